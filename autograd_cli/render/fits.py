"""The pages of fits, as documents: how it ended, where, and what is known of that place."""

from __future__ import annotations

from functools import singledispatch

from autograd_cli.render.comparison import comparison_page
from autograd_cli.render.descent import minimum_page, quadratic_page
from autograd_cli.render.document import Document
from autograd_cli.render.fit import fit_page
from autograd_cli.render.network import network_page
from autograd_cli.render.style import Style
from autograd_cli.results.comparison import Comparison
from autograd_cli.results.descent import QuadraticFit
from autograd_cli.results.fit import Fit
from autograd_cli.results.minimum import MinimumFit
from autograd_cli.results.network import NetworkFit


@singledispatch
def page(result: Fit, style: Style) -> Document:
    """Why it ended, and every parameter at the start and at the end."""
    return fit_page(result, style)


page.register(QuadraticFit, quadratic_page)
page.register(MinimumFit, minimum_page)
page.register(NetworkFit, network_page)
page.register(Comparison, comparison_page)
