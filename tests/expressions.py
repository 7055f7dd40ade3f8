"""Random text in the expression language, and what it must mean: generators shared by the tests.

A `Line` is written twice from one random tree: as typed to agx, and as the same line of Python on
torch tensors. The two texts differ only where the languages do: steps are assignments, a list is
`torch.stack`, a condition's `and` is `torch.logical_and`, words are strings, `^` is `**`.
Everything is drawn from a seeded generator, so that a failure can be repeated.
"""

from __future__ import annotations

import math
import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from autograd_cli.language.functions import find

Shape = tuple[int, ...]

# Variables, and the Python names that hold the same leaves.
VARIABLES: dict[str, Shape] = {
    **dict.fromkeys(("x", "y", "z"), ()),
    **dict.fromkeys(("v", "w"), (3,)),
    **dict.fromkeys(("A", "B"), (3, 3)),
    "C": (2, 3),
}


class Line(NamedTuple):
    """The same computation twice: `agx` as typed, `python` as statements that assign `result`."""

    agx: str
    python: str


class _Part(NamedTuple):
    """A sub-expression in both languages; `atomic` needs no brackets anywhere."""

    agx: str
    python: str
    atomic: bool = True


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _torchs(text: str) -> tuple[str, ...]:
    """Those that are torch functions and not agx's own, which record nodes of their own."""
    rows = {name: find(name) for name in text.split()}
    return tuple(name for name, row in rows.items() if row and row.torch.startswith("torch."))


def lines(seed: int, count: int) -> Iterator[Line]:
    """Random lines; each of them has a tensor as its value."""
    generator = random.Random(seed)
    for _ in range(count):
        yield _Lines(generator).line()


UNARY = _torchs(
    "sqrt square reciprocal rsqrt exp exp2 expm1 log ln log1p log2 log10 sin cos tan sinc "
    "asin arcsin acos arccos atan arctan sinh cosh tanh asinh arcsinh acosh arccosh atanh "
    "arctanh abs Abs sign sgn floor ceil ceiling round trunc fix frac relu selu sigmoid "
    "expit erf erfc erfinv lgamma digamma logit relu6 gelu silu mish softplus softsign "
    "logsigmoid tanhshrink elu celu leaky_relu hardtanh hardshrink softshrink ndtr i0 i1"
)
BINARY = _torchs("atan2 arctan2 hypot logaddexp xlogy maximum minimum fmod")
TO_SCALAR = _words("sum mean prod amax amin norm var std logsumexp median")
ALONG = _words("sum mean amax amin norm var std logsumexp prod")
KEEPING = _words("softmax log_softmax cumsum cumprod")
LOSSES = _torchs("mse_loss l1_loss huber_loss smooth_l1_loss bce_with_logits")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


class _Lines:
    """One line: a tree of random depth over the variables and up to three named steps."""

    def __init__(self, generator: random.Random) -> None:
        self.random = generator
        self.steps: dict[str, Shape] = {}

    def line(self) -> Line:
        typed: list[str] = []
        assigned: list[str] = []
        for name in ("u", "step2", "t_3")[: self.random.choice((0, 0, 1, 2, 3))]:
            shape = self.random.choice(((), (), (3,), (3, 3)))
            part = self.tensor(shape, self.random.randint(1, 2))
            typed.append(f"{name} = {part.agx}")
            assigned.append(f"{name} = {part.python}")
            self.steps[name] = shape
        output = self.tensor(
            self.random.choice(((), (), (), (3,), (3, 3), (2, 3))), self.random.randint(1, 3)
        )
        for name in self.steps:  # reuse: a step used twice is one shared node
            output = self.joined("+", output, self.call("sum", _Part(name, name)))
        separator = self.random.choice(("; ", ";", "\n", " ;\n"))
        return Line(
            separator.join([*typed, output.agx]),
            "\n".join([*assigned, f"result = {output.python}"]),
        )

    # Tensors of a given shape ---------------------------------------------------------------------

    def tensor(self, shape: Shape, depth: int) -> _Part:
        named = [name for name, of in self.steps.items() if of == shape]
        if named and self.random.random() < 0.3:
            name = self.random.choice(named)
            return _Part(name, name)
        if depth <= 0:
            return self.leaf(shape)
        ways: list[Callable[[Shape, int], _Part]] = [
            *[self.arithmetic] * 8,
            *[self.with_number] * 6,
            *[self.unary] * 5,
            *[self.negated] * 2,
            *[self.binary_call] * 2,
            *[self.branch] * 2,
            self.indexed,
            self.clamped,
            self.folded,
        ]
        if shape == ():
            ways += [*[self.reduced] * 4, self.product, self.inner, self.linear_algebra, self.loss]
        else:
            ways += [self.listed, self.kept, self.normalised]
        if len(shape) == 1:
            ways += [self.product, self.along]
        if len(shape) == 2:
            ways += [self.product, self.transposed, self.matrix]
        return self.random.choice(ways)(shape, depth - 1)

    def leaf(self, shape: Shape) -> _Part:
        names = [name for name, of in VARIABLES.items() if of == shape]
        if names:
            name = self.random.choice(names)
            return _Part(name, name)
        return self.listed(shape, 0)

    def number(self) -> str:
        """A literal or arithmetic on literals, the same text in both languages."""
        literals = ("2", "3", "0.5", "1", "0", "1.5", "10", "1e-3", ".25", "pi", "E", "7.", "True")
        return self.random.choice(
            (*literals, "(1 + 2)", "(-1)", "2*3", "1/3", "(2**3)", "(7 % 4)", "(2 - 0.5)", "(-.5)")
        )

    def arithmetic(self, shape: Shape, depth: int) -> _Part:
        sign = self.random.choice("+-*/%+-*/") if self.random.random() < 0.9 else "**"
        left, right = self.tensor(shape, depth), self.tensor(self.narrower(shape), depth)
        if self.random.random() < 0.5:
            left, right = right, left
        return self.joined(sign, left, right)

    def narrower(self, shape: Shape) -> Shape:
        """A shape that broadcasts to `shape`."""
        return self.random.choice((shape, shape, shape[1:], ()))

    def with_number(self, shape: Shape, depth: int) -> _Part:
        number = _Part(*[self.number()] * 2, atomic=True)
        operand = self.tensor(shape, depth)
        sign = self.random.choice(("+", "-", "*", "/", "**", "%"))
        pair = (operand, number) if self.random.random() < 0.6 else (number, operand)
        return self.joined(sign, *pair)

    def joined(self, sign: str, left: _Part, right: _Part) -> _Part:
        left, right = self.bracketed(left), self.bracketed(right)
        space = self.random.choice(("", " ", " "))
        typed = "^" if sign == "**" and self.random.random() < 0.3 else sign
        return _Part(
            f"{left.agx}{space}{typed}{space}{right.agx}",
            f"{left.python} {sign} {right.python}",
            atomic=False,
        )

    def bracketed(self, part: _Part) -> _Part:
        """Usually in brackets; without them the precedences of both languages have to agree."""
        if part.atomic or self.random.random() < 0.25:
            return part
        return _Part(f"({part.agx})", f"({part.python})")

    def negated(self, shape: Shape, depth: int) -> _Part:
        part = self.bracketed(self.tensor(shape, depth))
        sign = self.random.choice(("-", "-", "-", "+", "--"))
        return _Part(f"{sign}{part.agx}", f"{sign}{part.python}", atomic=False)

    def call(self, name: str, *arguments: _Part, **options: str) -> _Part:
        typed = [argument.agx for argument in arguments]
        python = [argument.python for argument in arguments]
        for option, value in options.items():
            typed.append(f"{self.spelling(option)}={value.strip(chr(34))}")
            python.append(f"{option}={value}")
        return _Part(f"{name}({', '.join(typed)})", f"{name}({', '.join(python)})")

    def spelling(self, option: str) -> str:
        aliases = {"dim": ("dim", "axis"), "keepdim": ("keepdim", "keepdims")}
        return self.random.choice(aliases.get(option, (option,)))

    def unary(self, shape: Shape, depth: int) -> _Part:
        return self.call(self.random.choice(UNARY), self.tensor(shape, depth))

    def binary_call(self, shape: Shape, depth: int) -> _Part:
        operands = [self.tensor(shape, depth), self.tensor(self.narrower(shape), depth)]
        self.random.shuffle(operands)
        return self.call(self.random.choice(BINARY), *operands)

    def folded(self, shape: Shape, depth: int) -> _Part:
        """`Max(a, b, c)`, which is taken pairwise from the left."""
        operands = [self.tensor(self.narrower(shape), 0) for _ in range(self.random.randint(1, 3))]
        operands.append(self.tensor(shape, depth))
        return self.call(self.random.choice(("Max", "min")), *operands)

    def clamped(self, shape: Shape, depth: int) -> _Part:
        operand = self.tensor(shape, depth)
        bounds: dict[str, str] = self.random.choice(
            ({"min": "0"}, {"max": "1.5"}, {"min": "-1", "max": "1"})
        )
        return self.call("clamp", operand, **bounds)

    def branch(self, shape: Shape, depth: int) -> _Part:
        condition = self.condition(shape, 1)
        value = self.tensor(shape, depth)
        other = self.tensor(self.narrower(shape), depth)
        if self.random.random() < 0.3:
            other = _Part(*[self.random.choice(("0", "1.5", "-2"))] * 2)
        pair = [value, other]
        self.random.shuffle(pair)
        return self.call("where", condition, *pair)

    def condition(self, shape: Shape, depth: int) -> _Part:
        if depth and self.random.random() < 0.4:
            left, right = self.condition(shape, depth - 1), self.condition(shape, depth - 1)
            word = self.random.choice(("and", "or", "xor", "not"))
            if word == "not":
                return _Part(f"not {left.agx}", f"logical_not({left.python})")
            if word == "xor":
                typed = f"logical_xor({left.agx}, {right.agx})"
            else:
                typed = f"{left.agx} {word} {right.agx}"
            return _Part(f"({typed})", f"logical_{word}({left.python}, {right.python})")
        left, right = self.tensor(self.narrower(shape), 0), self.tensor(self.narrower(shape), 0)
        if self.random.random() < 0.6:
            right = _Part(*[self.random.choice(("0", "1", "0.5", "-1"))] * 2)
        sign = self.random.choice(COMPARISONS)
        return _Part(f"({left.agx} {sign} {right.agx})", f"({left.python} {sign} {right.python})")

    def indexed(self, shape: Shape, depth: int) -> _Part:
        at: dict[Shape, tuple[tuple[Shape, tuple[str, ...]], ...]] = {
            (): (((3,), ("0", "-1", "2")), ((3, 3), ("0, 1", "-1, 2")), ((2, 3), ("1, 0", "0][2"))),
            (3,): (((3, 3), ("0", ":, 1", "..., 2", "-1, :", "1, ...")), ((2, 3), ("0", "-1"))),
            (2,): (((3,), ("1:", ":2", "::2", "-2:")), ((2, 3), (":, 0", "..., -1"))),
            (2, 3): (((3, 3), (":2", "1:", "::2", "0:2, :")),),
            (3, 3): (((3, 3), (":", "...", ":, :", "0:3")),),
        }
        if shape not in at:
            return self.leaf(shape)
        base, indices = self.random.choice(at[shape])
        part = self.tensor(base, depth)
        brackets = ("", "") if part.atomic else ("(", ")")
        index = self.random.choice(indices)
        return _Part(*(f"{text.join(brackets)}[{index}]" for text in part[:2]))

    # Scalars from tensors -------------------------------------------------------------------------

    def array(self, depth: int) -> _Part:
        return self.tensor(self.random.choice(((3,), (3, 3), (2, 3))), depth)

    def reduced(self, shape: Shape, depth: int) -> _Part:
        name = self.random.choice((*TO_SCALAR, "max", "min", "average"))
        return self.call(name, self.array(depth))

    def inner(self, shape: Shape, depth: int) -> _Part:
        return self.call("dot", self.tensor((3,), depth), self.tensor((3,), depth))

    def linear_algebra(self, shape: Shape, depth: int) -> _Part:
        name = self.random.choice(("det", "trace", "tr", "logdet"))
        return self.call(name, self.tensor((3, 3), depth))

    def loss(self, shape: Shape, depth: int) -> _Part:
        of = self.random.choice(((3,), (2, 3)))
        options = {"reduction": self.random.choice(('"sum"', '"mean"'))}
        return self.call(
            self.random.choice(LOSSES),
            self.tensor(of, depth),
            self.tensor(of, 0),
            **(options if self.random.random() < 0.5 else {}),
        )

    # Vectors and matrices -------------------------------------------------------------------------

    def product(self, shape: Shape, depth: int) -> _Part:
        inner = self.random.choice((2, 3))
        if shape == ():
            left, right = (inner,), (inner,)
        elif len(shape) == 1:
            left, right = self.random.choice(
                (((*shape, inner), (inner,)), ((inner,), (inner, *shape)))
            )
        else:
            left, right = (shape[0], inner), (inner, shape[1])
        return self.joined("@", self.tensor(left, depth - 1), self.tensor(right, depth - 1))

    def listed(self, shape: Shape, depth: int) -> _Part:
        items = [self.item(shape[1:], depth - 1) for _ in range(shape[0])]
        typed = ", ".join(item.agx for item in items)
        python = ", ".join(item.python for item in items)
        return _Part(f"[{typed}]", f"stack([{python}])")

    def item(self, shape: Shape, depth: int) -> _Part:
        if shape == () and self.random.random() < 0.25:
            number = self.number()
            return _Part(number, f"number({number})")
        return self.tensor(shape, depth)

    def kept(self, shape: Shape, depth: int) -> _Part:
        operand = self.tensor(shape, depth)
        dim = str(self.random.choice((0, -1)))
        name = self.random.choice((*KEEPING, "sort", "flip", "tril", "triu"))
        if name in ("tril", "triu"):
            if len(shape) < 2:
                return operand
            return self.call(name, operand, diagonal=self.random.choice(("0", "1", "-1")))
        if name == "sort":
            options = f"dim={dim}, descending={self.random.choice(('True', 'False'))}"
            return _Part(
                f"sort({operand.agx}, {options})", f"sort({operand.python}, {options}).values"
            )
        if name == "flip":
            return _Part(f"flip({operand.agx}, {dim})", f"flip({operand.python}, [{dim}])")
        return self.call(name, operand, dim=dim)

    def normalised(self, shape: Shape, depth: int) -> _Part:
        """`v / sum(v, dim=-1, keepdim=True)`."""
        operand = self.bracketed(self.tensor(shape, depth))
        name = self.random.choice(ALONG)
        total = self.call(name, operand, dim="-1", keepdim="True")
        return self.joined("/", operand, total)

    def along(self, shape: Shape, depth: int) -> _Part:
        """A reduction of a matrix over one dimension."""
        of, dim = self.random.choice(
            (((3, 3), "0"), ((2, 3), "0"), ((3, 3), "-1")) if shape == (3,) else (((2, 3), "1"),)
        )
        matrix = self.tensor(of, depth)
        if self.random.random() < 0.3:
            name = self.random.choice(("max", "min", "median"))
            return _Part(
                f"{name}({matrix.agx}, dim={dim})", f"{name}({matrix.python}, dim={dim}).values"
            )
        return self.call(self.random.choice(ALONG), matrix, dim=dim)

    def transposed(self, shape: Shape, depth: int) -> _Part:
        part = self.tensor(shape[::-1], depth)
        brackets = ("", "") if part.atomic else ("(", ")")
        return _Part(*(f"{text.join(brackets)}.T" for text in part[:2]))

    def matrix(self, shape: Shape, depth: int) -> _Part:
        if shape != (3, 3):
            return self.leaf(shape)
        name = self.random.choice(("inv", "outer", "diag", "matrix_exp", "solve", "cholesky"))
        if name == "outer":
            return self.call(name, self.tensor((3,), depth), self.tensor((3,), depth))
        if name == "diag":
            return self.call(name, self.tensor((3,), depth))
        if name == "solve":
            return self.call(name, self.tensor((3, 3), 0), self.tensor((3, 3), depth))
        if name == "cholesky":
            return _Part(*["cholesky(A @ A.T + B @ B.T + eye(3))"] * 2)
        return self.call(name, self.tensor((3, 3), depth))


# Soups of operators -------------------------------------------------------------------------------


def soup(generator: random.Random, depth: int = 4) -> str:
    """A valid line of operators, brackets, calls and indices that Python's parser reads as well."""
    if depth <= 0 or generator.random() < 0.12:
        return generator.choice(("x", "y", "zeta1", "lam_", "2", "0.5", "1e3", "10", "x", "y"))
    space = generator.choice(("", " ", "  "))
    way = generator.random()
    if way < 0.62:
        sign = generator.choice(
            (*"+-*/%@<>|&", "**", "**", "//", "<=", ">=", "==", "!=", " and ", " or ", "-", "+")
        )
        return f"{soup(generator, depth - 1)}{space}{sign}{space}{soup(generator, depth - 1)}"
    if way < 0.74:
        return f"{generator.choice('-+~')}{space}{soup(generator, depth - 1)}"
    if way < 0.78:
        return generator.choice(("not {}", "(not {})")).format(soup(generator, depth - 1))
    if way < 0.9:
        return f"({space}{soup(generator, depth - 1)}{space})"
    if way < 0.94:
        return f"sin({soup(generator, depth - 1)})"
    if way < 0.97:
        return f"[{soup(generator, depth - 1)},{space}{soup(generator, depth - 2)}]"
    base = generator.choice(("x", f"({soup(generator, depth - 1)})"))
    return base + generator.choice(("[0]", "[-1]", "[1:2]", "[:, 0]", "[..., ::2]", ".T"))


def scramble(generator: random.Random) -> str:
    """Operators, brackets and values in any order: mostly not an expression at all."""
    words = ("x", "y", "2", "+", "-", "*", "**", "/", "%", "<", "==", "not", "and", "or", "(", ")")
    return " ".join(generator.choices(words, k=generator.randint(1, 9)))


# Hostile text -------------------------------------------------------------------------------------

FORMULAS = (
    "x**2 + 2*x*y + y**2",
    "sin(x)*exp(-y/2) + log(x + 3)",
    "u = x**2; v = sin(u); v + u",
    "where(x > 0 and y < 1, sqrt(x), -x)",
    "[x, y, x*y][1:]",
    "[[x, 1], [2, y]] @ [1, x]",
    "sum([x, y]**2, dim=0, keepdim=True)",
    "Piecewise((x, x < 0), (y, True))",
    "torch.sin(x) + np.pi*E",
    "Max(x, y, 3) % 2 // 1",
    "π·x² − 0.5",
    "√(x) ≤ ∞",
    "softmax([x, y, 1], -1)[0]",
    "mse_loss([x, y], [1, 2], reduction=sum)",
    "norm([x, y], ord=inf)",
    "log(x, 2)^2^y",
    "1 < x <= 2 != y",
    "([x, y].T)[..., -1]",
    "not ~(x == y) | (x >= y)",
    "-x**-y**-2",
    "det([[x, y], [1, 2]])",
    "cross_entropy([x, y], 1)",
    "zeta(x + 2, y) * gamma(x)",
    "clamp(x, min=0, max=1)",
)

WORDS = (
    *("x", "y", "2", "0.5", "1e400", "9**9", "pi", "E", "inf", "nan", "None", "True", "u", "λ"),
    *("+", "-", "*", "/", "**", "^", "%", "@", "//", "<", "<=", "==", "!=", "and", "or", "not"),
    *("(", ")", "[", "]", "{", "}", ",", ";", ":", ".", "...", "=", "\n", "#", "|", "&", "~", "!"),
    *("sin(", "sum(", "where(", "log(", "Max(", "Piecewise(", "norm(", "clamp(", "flip(", "sort("),
    *("dim=", "axis=", "keepdim=", "min=", "ord=", ".T", "[0]", "[:, 1]", "²", "⁻¹", "⁻", "√", "∛"),
    *("·", "×", "−", "≤", "≠", "∞", "½", "'", '"', "`", "$", "\\", "?", "&&", "||", ":=", "<>"),
    *("lambda", "if", "else", "for", "in", "import", "__class__", "torch.", "np.", "F.", "e", "_"),
)


def any_character(generator: random.Random) -> str:
    """A character from the whole of Unicode, surrogates and unassigned code points included."""
    way = generator.random()
    if way < 0.3:
        return chr(generator.randrange(0x80))
    if way < 0.4:
        return generator.choice(
            "\0\x07\x1b\x7f\x85\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200d\u200e"
            "\u202a\u202e\u2028\u2029\u2060\u2066\u2069\u206f\u2800\u3164\ud800\udfff\ufe0f\ufeff"
            "\uffa0\ufff9\ufffd\uffff\U000e0001\U000e0041\U0010ffff"
        )
    if way < 0.7:
        return chr(generator.randrange(0x80, 0x3000))
    return chr(generator.randrange(0x110000))


def random_text(generator: random.Random) -> str:
    return "".join(any_character(generator) for _ in range(generator.randint(0, 24)))


def random_words(generator: random.Random) -> str:
    return generator.choice(("", " ")).join(generator.choices(WORDS, k=generator.randint(1, 12)))


def mutant(generator: random.Random) -> str:
    """A valid formula with a few of its characters lost, doubled, swapped or replaced."""
    text = list(generator.choice(FORMULAS))
    for _ in range(generator.choice((1, 1, 2, 4))):
        at = generator.randrange(len(text) + 1)
        way = generator.random()
        if way < 0.3:
            del text[at : at + generator.randint(1, 3)]
        elif way < 0.6:
            text.insert(at, generator.choice(WORDS))
        elif way < 0.75:
            text.insert(at, any_character(generator))
        elif way < 0.9:
            text[at:at] = text[at : at + 4]
        else:
            text = text[at:] + text[:at]
        text = text or ["x"]
    return "".join(text)


def disguise(generator: random.Random) -> str:
    """An attack or a formula in characters that NFKC folds to ASCII: `ｅｖａｌ`, `𝒙`, `ₓ`."""
    text = generator.choice((*ATTACKS, *FORMULAS))
    return "".join(
        generator.choice(_DISGUISES[c]) if c in _DISGUISES and generator.random() < 0.7 else c
        for c in text
    )


def _disguises() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for code in (*range(0x80, 0x3000), *range(0xFB00, 0x10000), *range(0x1D400, 0x1D800)):
        folded = unicodedata.normalize("NFKC", chr(code))
        if len(folded) == 1 and folded.isascii() and folded.isprintable():
            found.setdefault(folded, []).append(chr(code))
    return {character: tuple(others) for character, others in found.items()}


ATTACKS = (
    "__import__('os').system('touch /tmp/agx-was-here')",
    "__import__(os)",
    "eval('1+1')",
    "exec('import os')",
    "exec(x)",
    "open('/etc/passwd').read()",
    "open(x)",
    "compile('1', '', 'eval')",
    "getattr(x, '__class__')",
    "globals()['__builtins__']",
    "().__class__.__bases__[0].__subclasses__()",
    "x.__class__.__mro__[1]",
    "x.diff.__globals__['os']",
    "(x).__init__.__globals__",
    "[].__class__",
    "''.__class__.__mro__[2].__subclasses__()",
    "lambda: x",
    "lambda x: x**2",
    "(lambda f: f(f))(lambda f: f(f))",
    "f'{x}'",
    'f"{__import__(chr(111)+chr(115))}"',
    "[i for i in range(10**9)]",
    "[x for x in ().__class__.__base__.__subclasses__()]",
    "{x: y}",
    "{**x}",
    "x if __import__('os') else y",
    "import os",
    "from os import system",
    "x; import os; os.system('id')",
    "sin.__globals__",
    "torch.__builtins__['eval'](x)",
    "torch.load(x)",
    "torch.ops.load_library(x)",
    "np.load('x.npy')",
    "sympy.sympify('1')",
    "math.__loader__.load_module('os')",
    "sin(x, out=y)",
    "sum(x, dtype=__import__)",
    "print(x)",
    "input()",
    "exit()",
    "quit()",
    "breakpoint()",
    "help()",
    "os.system(x)",
    "`id`",
    "$(id)",
    "x := __import__('os')",
    "@x",
    "async x",
    "await x",
    "yield x",
    "del x",
    "assert x",
    "raise x",
    "while True: x",
    "x = lambda: 0; x()",
    "\\input{/etc/passwd}",
    "Function('f')(x)",
    "Symbol('x')",
    "S('__import__(\"os\")')",
    "x.subs(x, y)",
    "x.evalf()",
    "Integer(1).__class__",
    "parse_expr('x')",
    "lambdify(x, x)",
    "ｅｖａｌ(x)",
    "__ｉｍｐｏｒｔ__(os)",
    "＿＿import＿＿(os)",
    "x．__class__",
    "𝓮𝔁𝓮𝓬(x)",
    "x.＿＿class＿＿",
)

_DISGUISES: Mapping[str, tuple[str, ...]] = _disguises()


def wild(generator: random.Random, functions: Sequence[str], depth: int = 3) -> str:
    """Well-formed text without regard to sense: any function of anything, with any option."""
    if depth <= 0 or generator.random() < 0.15:
        return generator.choice(OPERANDS)
    parts = [wild(generator, functions, depth - generator.randint(1, 2)) for _ in range(3)]
    way = generator.random()
    if way < 0.6:
        arguments = parts[: generator.choice((1, 1, 1, 2, 2, 3))]
        if generator.random() < 0.3:
            arguments.append(generator.choice(OPTIONS))
        return f"{generator.choice(functions)}({', '.join(arguments)})"
    if way < 0.85:
        sign = generator.choice(("+", "-", "*", "/", "**", "%", "//", "@", "<", "==", " and "))
        return f"({parts[0]}) {sign} ({parts[1]})"
    if way < 0.9:
        return f"[{parts[0]}, {parts[1]}]"
    if way < 0.95:
        after = (".T", "[0]", "[-1]", "[:, 0]", "[::2]", "[..., 5]")
        return f"({parts[0]}){generator.choice(after)}"
    return f"Piecewise(({parts[0]}, {parts[1]}), ({parts[2]}, True))"


OPERANDS = (
    *_words("x x x y v v v A A 2 0 -1 0.5 None True inf nan 1e308 2**63 2**62 fro E v[0] x>y"),
    *("[x, y]", "[1, 2]", "[[x, 1], [y, 2]]"),
)
OPTIONS = _words(
    "dim=0 axis=-1 keepdim=True dim=[0,1] dim=5 dim=None min=0 base=2 ord=1 reduction=none "
    "beta=0 n=2 diagonal=1 correction=0 x=y"
)


BRACKETS = (
    *(
        ("(", ")"),
        ("[", "]"),
        ("sin(", ")"),
        ("Max(x,", ")"),
        ("Piecewise((", ",True))"),
        ("f(", ")"),
    ),
    *(("x[", "]"), ("x.T.", "T"), ("where(", ""), ("-", ""), ("not ", ""), ("x**", ""), ("√", "")),
    *(("x<", ""), ("x+", ""), ("u=x;", ""), ("x;", ""), ("~", ""), ("2", "")),
)


def nested(generator: random.Random) -> str:
    """Deep nesting and long chains, closed or not, of up to six hundred characters."""
    opening, closing = generator.choice(BRACKETS)
    depth = generator.choice((3, 30, 150, 199, 200, 201, 202, 250, 400))
    depth = min(depth, 600 // (len(opening) + len(closing)))
    tail = generator.choice((closing * depth, closing * depth, "", closing * (depth - 1), "]", "?"))
    return opening * depth + generator.choice(("x", "1", "", "x")) + tail


HUGE = (
    *_words(
        "9**9**9**9 1e400 9**-9**9 (-1)**10**18 10**10**10%7 2**63-1 2**63 2**64 -2**63 "
        "-2**63-1 9223372036854775807+1 -9223372036854775808 1e308*10 1e308**2 0**-1 0**0 "
        "0.0**-1 0/0 1/0 1%0 1//0 (-8)**(1/3) (-1)**0.5 1e-400 1_000_000 1__0 1e+ 1e+308 1e309 "
        "0x10 1j 0b1 0o7 1.e5 .e5 x²²²²²²²²²²²²²²²²²² x²²²²²²²²²²²²²²²²²²² x⁻⁻¹ x⁺⁻¹ x⁻ x⁺ x¹⁻ "
        "2⁹⁹⁹ 9⁹⁹⁹⁹ ⁻¹ x[9**99] x[2**63] x[-2**63] x[2**62:] x[::2**62] x[::0] x[1e3] x[True] "
        "factorial(10**9) factorial(10**9*x) gamma(1e308) 2**x**9**9**9 x**(9**9**9) "
        "(x**9**9)**9**9 9**9**9*x exp(9**9**9) exp(1e308) x**1e308 x**-1e308 2**1023*2 2**1024 "
        "2**1023.99999 3**646 3**647 4**700 True**2**2000 (1+1)**2000 1**10**308 "
        "(-1)**(10**308) 0**10**308 1.5**10**9 inf-inf inf*0 inf**inf (-inf)**0.5 nan**0 1**nan "
        "inf%2 2%inf inf//2 -inf (-8)**inf (-2)**-inf"
    ),
    "9" * 308,
    "9" * 309,
    "9" * 400,
    "0" * 4299 + "1",
    "0" * 4301 + "1",
    "0" * 5000,
    "1" + "0" * 308,
    "sum(x, dim=2**64)",
    "sum(x, dim=9**9**9)",
    "sum(x, dim=-2**63)",
    "sum(x, dim=[0, 2**62])",
    "polygamma(10**9, x)",
    "polygamma(2**62, x)",
    "polygamma(9**99, x)",
    "matrix_power([[x, 1], [0, 1]], 2**62)",
    "nan < nan",
    "nan == nan",
    "x < nan",
    "[nan, inf, -inf]",
    "clamp(x, inf, -inf)",
    "clamp(x, nan, nan)",
    "log(x, 0)",
    "log(x, 1)",
    "log(x, -1)",
    "log(0, x)",
)


def hostile(seed: int, count: int) -> Iterator[str]:
    """A mixture of all of the above."""
    generator = random.Random(seed)
    kinds: tuple[Callable[[random.Random], str], ...] = (
        *[random_text] * 6,
        *[random_words] * 8,
        *[mutant] * 8,
        *[disguise] * 2,
        scramble,
    )
    for _ in range(count):
        yield generator.choice(kinds)(generator)


def python_names() -> dict[str, Any]:
    """The constants of the language in Python."""
    return {"pi": math.pi, "E": math.e, "inf": math.inf, "nan": math.nan}
