"""The commands of LaTeX that can stand in a formula, and what is said of those that cannot."""

from __future__ import annotations

from collections.abc import Mapping

# Other shapes of a letter: named as the letter where that does not occur in its usual shape.
VARIANTS: Mapping[str, str] = {
    **{f"var{name}": name for name in ("epsilon", "theta", "kappa", "pi", "rho", "sigma", "phi")},
    **{f"var{name}": name for name in ("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma",
                                       "Upsilon", "Phi", "Psi", "Omega")},
}  # fmt: skip

LETTERS = frozenset(["hbar", "ell", "imath", "jmath", "aleph"])

# Alphabets, and what they add to a name where the letter occurs in its usual shape as well.
STYLES: Mapping[str, str] = {
    **dict.fromkeys(("mathrm", "mathup", "text", "textrm", "textup", "textnormal", "mbox", "hbox",
                     "operatorname", "operatorname*", "mathop", "mathord"), "rm"),
    **dict.fromkeys(("mathbf", "boldsymbol", "bm", "pmb", "textbf", "mathbfit", "symbf"), "bold"),
    **dict.fromkeys(("mathit", "textit", "mathnormal"), "it"),
    **dict.fromkeys(("mathsf", "textsf"), "sf"),
    **dict.fromkeys(("mathtt", "texttt"), "tt"),
    "mathcal": "cal",
    "mathscr": "scr",
    "mathfrak": "frak",
    "mathbb": "bb",
}  # fmt: skip
TEXT = frozenset(["text", "textrm", "textup", "textnormal", "textbf", "textit", "textsf", "texttt",
                  "mbox", "hbox"])  # fmt: skip

ACCENTS: Mapping[str, str] = {
    **{name: name for name in ("hat", "bar", "tilde", "vec", "dot", "ddot", "dddot", "breve",
                               "check", "acute", "grave", "mathring")},
    "widehat": "hat",
    "widetilde": "tilde",
    "overline": "bar",
    "underline": "underline",
    "overrightarrow": "vec",
}  # fmt: skip

FRACTIONS = frozenset(["frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"])
BINOMIALS = frozenset(["binom", "dbinom", "tbinom"])

PRODUCTS: Mapping[str, str] = {
    **dict.fromkeys(("*", "\\ast", "\\odot", "\\circledast"), "*"),
    **dict.fromkeys(("\\cdot", "\\cdotp", "\\bullet"), "dot"),
    "\\times": "cross",
    **dict.fromkeys(("/", "\\div", ":", "\\slash"), "/"),
    **dict.fromkeys(("\\bmod", "\\mod"), "mod"),
}

RELATIONS: Mapping[str, str] = {
    "<": "<",
    ">": ">",
    "=": "==",
    **dict.fromkeys(("\\lt",), "<"),
    **dict.fromkeys(("\\gt",), ">"),
    **dict.fromkeys(("\\le", "\\leq", "\\leqslant", "\\leqq"), "<="),
    **dict.fromkeys(("\\ge", "\\geq", "\\geqslant", "\\geqq"), ">="),
    **dict.fromkeys(("\\ne", "\\neq"), "!="),
}

CONJUNCTIONS = frozenset(["\\land", "\\wedge", "and"])
DISJUNCTIONS = frozenset(["\\lor", "\\vee", "or"])
NEGATIONS = frozenset(["\\lnot", "\\neg", "not"])

# Words of conditions.
INTRODUCTIONS = frozenset(["if", "for", "when", "where", "with", "provided", "while", "as"])
OTHERWISE = frozenset(["otherwise", "else", "elsewhere", "other", "others", "true"])
FILLERS = frozenset(["all", "in", "cases", "case", "any", "every"])

# Delimiters: the name they are known by, and the sides on which they can stand.
DELIMITERS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("(", "\\lparen"), ("(", "open")),
    **dict.fromkeys((")", "\\rparen"), (")", "close")),
    **dict.fromkeys(("[", "\\lbrack"), ("[", "open")),
    **dict.fromkeys(("]", "\\rbrack"), ("]", "close")),
    **dict.fromkeys(("\\{", "\\lbrace"), ("\\{", "open")),
    **dict.fromkeys(("\\}", "\\rbrace"), ("\\}", "close")),
    **dict.fromkeys(("|", "\\vert"), ("|", "either")),
    "\\lvert": ("|", "open"),
    "\\rvert": ("|", "close"),
    "\\lfloor": ("\\lfloor", "open"),
    "\\rfloor": ("\\rfloor", "close"),
    "\\lceil": ("\\lceil", "open"),
    "\\rceil": ("\\rceil", "close"),
}
PAIRS: Mapping[str, str] = {
    "(": ")",
    "[": "]",
    "\\{": "\\}",
    "|": "|",
    "\\lfloor": "\\rfloor",
    "\\lceil": "\\rceil",
    ".": ".",
}
SIZES: Mapping[str, str] = {
    "left": "open",
    "right": "close",
    "middle": "either",
    **{f"{size}{side}": role
       for size in ("big", "Big", "bigg", "Bigg")
       for side, role in (("", "either"), ("m", "either"), ("l", "open"), ("r", "close"))},
}  # fmt: skip

MATRICES = frozenset(["matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix"])
CASES = frozenset(["cases", "dcases", "cases*", "dcases*"])
ROWS = frozenset(["array", "aligned", "matrix", "gathered", "split", "alignedat"])
DISPLAYS = frozenset(["equation", "equation*", "displaymath", "math", "gather", "gather*",
                      "align", "align*", "multline", "multline*", "split", "aligned"])  # fmt: skip

_SUM = "write the terms out, or \\operatorname{sum}(x) over a vector"
_PRODUCT = "write the factors out, or \\operatorname{prod}(x) over a vector"
_NORM = "write \\operatorname{norm}(x) for the length of a vector"
_DERIVATIVE = "agx differentiates what it is given: leave the derivative out"
_BOTH = "write one of both formulas"
_RELATION = "agx takes the expression alone, or a comparison with < or >"
_FRACTION = "write \\frac{a}{b}"
_DOTS = "write the terms out"
_COMPLEX = "agx has no complex numbers"
_BIG = "write the terms out"

# What agx has no form for, and what to write instead.
ABSENT: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("int", "iint", "iiint", "oint", "smallint"), ("an integral", "")),
    "sum": ("a sum with an index", _SUM),
    "prod": ("a product with an index", _PRODUCT),
    "coprod": ("a product with an index", _PRODUCT),
    **dict.fromkeys(("lim", "limsup", "liminf", "varlimsup"), ("a limit", "")),
    **dict.fromkeys(("sup", "inf"), ("a bound", "the largest of several is \\max(a, b)")),
    "partial": ("a partial derivative",
                f"{_DERIVATIVE}; a variable may be called \\mathrm{{dx}}"),
    "nabla": ("a gradient", _DERIVATIVE),
    **dict.fromkeys(("lVert", "rVert", "Vert", "|", "norm"), ("the sign of a norm", _NORM)),
    **dict.fromkeys(("langle", "rangle"), ("angle brackets", "write an inner product as"
                                           " \\operatorname{dot}(x, y)")),
    **dict.fromkeys(("pm", "mp"), ("two signs at once", _BOTH)),
    **dict.fromkeys(("over", "above", "atop"), ("'\\over'", _FRACTION)),
    **dict.fromkeys(("choose", "brack"), ("'\\choose'", "write \\binom{n}{k}")),
    "tag": ("the number of an equation", "leave \\tag{...} out: it is no part of the formula"),
    "ref": ("a reference", "leave it out: it is no part of the formula"),
    "eqref": ("a reference", "leave it out: it is no part of the formula"),
    **dict.fromkeys(("approx", "sim", "simeq", "cong", "equiv", "propto", "doteq", "coloneqq",
                     "triangleq", "to", "rightarrow", "Rightarrow", "leftarrow", "mapsto",
                     "longrightarrow", "implies", "iff", "ll", "gg", "in", "notin", "subset",
                     "forall", "exists", "not", "leftrightarrow", "Leftrightarrow"),
                    ("this relation", _RELATION)),
    **dict.fromkeys(("ldots", "cdots", "dots", "vdots", "ddots", "dotsc", "dotsb"),
                    ("dots", _DOTS)),
    **dict.fromkeys(("Re", "Im", "arg"), ("a part of a complex number", _COMPLEX)),
    **dict.fromkeys(("gcd", "lcm", "Pr", "dim", "ker", "hom", "deg"), ("this function", "")),
    **dict.fromkeys(("bigcup", "bigcap", "bigoplus", "bigotimes", "cup", "cap", "setminus",
                     "oplus", "otimes", "ominus", "wr", "star", "circ"),
                    ("this operation", "")),
    "pmod": ("a congruence", "the remainder is x \\bmod y"),
    "%": ("a per cent sign", "write \\frac{x}{100}"),
    "prime": ("the derivative of a function", "write the function out; agx differentiates it"),
    "dagger": ("an adjoint", "a transpose is A^{\\top}"),
    "top": ("'\\top' alone", "a transpose is A^{\\top}"),
    "substack": ("conditions below one another", _BIG),
    "underbrace": ("remarks below a formula", "leave them out"),
    "overbrace": ("remarks above a formula", "leave them out"),
    "stackrel": ("remarks above a sign", "leave them out"),
    "overset": ("remarks above a sign", "leave them out"),
    "underset": ("remarks below a sign", "leave them out"),
    "genfrac": ("'\\genfrac'", _FRACTION),
    "color": ("colours", "leave \\color out"),
    "textcolor": ("colours", "leave \\textcolor out"),
    "boxed": ("a box", "leave \\boxed out"),
    "cancel": ("cancelled parts", "leave them out"),
    "bra": ("a bra", ""),
    "ket": ("a ket", ""),
}  # fmt: skip

# What commands are called within an index: k_{+}, T_{\infty}, M_{\odot}.
IN_AN_INDEX: Mapping[str, str] = {
    "+": "plus",
    "-": "minus",
    "*": "star",
    "=": "eq",
    "<": "lt",
    ">": "gt",
    "/": "over",
    ":": "to",
    "|": "given",
    "!": "factorial",
    "'": "prime",
    "\\infty": "inf",
    "\\ast": "star",
    "\\star": "star",
    "\\pm": "pm",
    "\\to": "to",
    "\\rightarrow": "to",
    "\\leftarrow": "from",
    "\\mid": "given",
    "\\neq": "ne",
    "\\leq": "le",
    "\\geq": "ge",
    "\\le": "le",
    "\\ge": "ge",
    "\\circ": "circ",
    "\\bullet": "bullet",
    "\\odot": "odot",
    "\\oplus": "oplus",
    "\\otimes": "otimes",
    "\\perp": "perp",
    "\\parallel": "parallel",
    "\\prime": "prime",
    "\\dagger": "dagger",
    "\\top": "top",
    "\\cdot": "dot",
    "\\times": "times",
    "\\ldots": "dots",
    "\\dots": "dots",
    "\\cdots": "dots",
    "\\partial": "partial",
    "\\nabla": "nabla",
    "\\emptyset": "empty",
    "\\varnothing": "empty",
    "\\uparrow": "up",
    "\\downarrow": "down",
    "\\neg": "not",
    "\\sum": "sum",
    "\\int": "int",
    "\\%": "percent",
    "\\&": "and",
}
# What separates the parts of an index and is not named itself.
BETWEEN = frozenset([",", ".", ";", "(", ")", "[", "]", "\\{", "\\}", "\\left", "\\right",
                     "\\langle", "\\rangle", "\\_", "_"])  # fmt: skip
