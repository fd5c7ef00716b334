//! The abstract syntax of an expression: what the three dialects have in common.
//!
//! Parentheses, the spelling of operators, `Math.`, the name of a function and its parameter list are
//! gone; a function is its body, `if`/`return`, `? :` and `if then` are one conditional, and a `const`
//! is a binding around what follows it.

/// A range of bytes in the text of the expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TextSpan {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl TextSpan {
    /// The span between two places of the text.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let offset = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        Self { start: offset(start), end: offset(end) }
    }

    /// The empty span just after this one.
    #[must_use]
    pub fn after(self) -> Self {
        Self { start: self.end, end: self.end }
    }

    /// The empty span just before this one.
    #[must_use]
    pub fn before(self) -> Self {
        Self { start: self.start, end: self.start }
    }

    /// The span of `text`'s bytes that this one names, `""` where it names none.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A word and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The word itself, without braces or `$`.
    pub text: String,
    /// Where the word itself stands.
    pub span: TextSpan,
}

/// An expression, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, its own parentheses included.
    pub span: TextSpan,
}

impl Expression {
    /// The expressions directly in it, in the order of the text.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Number { .. } | Kind::Name(_) | Kind::Error => Vec::new(),
            Kind::Negate(operand) | Kind::Not(operand) => vec![operand],
            Kind::Binary { left, right, .. } => vec![left, right],
            Kind::Conditional { condition, then, otherwise } => vec![condition, then, otherwise],
            Kind::Call { arguments, .. } => arguments.iter().collect(),
            Kind::Let { value, body, .. } => vec![value, body],
        }
    }
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A number as written (`1_000.5e3`), and the unit that directly follows it.
    Number {
        /// The number's text.
        text: String,
        /// `GB` of `10 GB`.
        unit: Option<Name>,
    },
    /// A variable, a constant of the policy or a `const`.
    Name(Name),
    /// Minus the operand.
    Negate(Box<Expression>),
    /// The opposite of a condition.
    Not(Box<Expression>),
    /// Two operands.
    Binary {
        /// What is done to them.
        operator: Operator,
        /// Where the operator stands.
        operator_span: TextSpan,
        /// The left operand.
        left: Box<Expression>,
        /// The right operand.
        right: Box<Expression>,
    },
    /// One of two.
    Conditional {
        /// What decides.
        condition: Box<Expression>,
        /// The value where it holds.
        then: Box<Expression>,
        /// The value where it does not.
        otherwise: Box<Expression>,
    },
    /// A built-in function.
    Call {
        /// Which one.
        function: Function,
        /// Where its name stands, `Math.` included.
        function_span: TextSpan,
        /// As many as the function takes.
        arguments: Vec<Expression>,
    },
    /// A `const` and what follows it.
    Let {
        /// Its name.
        name: Name,
        /// What it holds.
        value: Box<Expression>,
        /// Where it may be used.
        body: Box<Expression>,
    },
    /// Text that could not be read; a finding says why.
    Error,
}

/// An operator with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `+`, `plus`
    Add,
    /// `-`, `minus`
    Subtract,
    /// `*`, `times`
    Multiply,
    /// `/`, `divided by`
    Divide,
    /// `%`, `mod`
    Remainder,
    /// `>`, `gt`
    Greater,
    /// `>=`, `ge`
    GreaterOrEqual,
    /// `<`, `lt`
    Less,
    /// `<=`, `le`
    LessOrEqual,
    /// `==`, `===`, `eq`
    Equal,
    /// `!=`, `!==`, `ne`
    NotEqual,
    /// `&&`, `and`
    And,
    /// `||`, `or`
    Or,
}

impl Operator {
    /// The operator as it is written with symbols.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::And => "&&",
            Self::Or => "||",
        }
    }

    /// The operator as it is written in words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "plus",
            Self::Subtract => "minus",
            Self::Multiply => "times",
            Self::Divide => "divided by",
            Self::Remainder => "mod",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::And => "and",
            Self::Or => "or",
        }
    }
}

/// A built-in function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// The smallest of two or more.
    Minimum,
    /// The greatest of two or more.
    Maximum,
    /// The magnitude.
    Absolute,
    /// Down to a whole number of units.
    Floor,
    /// Up to a whole number of units.
    Ceiling,
    /// To the nearest whole number of units, or to `n` decimal places.
    Round,
    /// `clamp(x, lo, hi)` is `max(lo, min(x, hi))`.
    Clamp,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 7] =
        [Self::Minimum, Self::Maximum, Self::Absolute, Self::Floor, Self::Ceiling, Self::Round, Self::Clamp];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Minimum => "min",
            Self::Maximum => "max",
            Self::Absolute => "abs",
            Self::Floor => "floor",
            Self::Ceiling => "ceil",
            Self::Round => "round",
            Self::Clamp => "clamp",
        }
    }

    /// The function of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// How it is called, for people.
    #[must_use]
    pub fn usage(self) -> &'static str {
        match self {
            Self::Minimum => "min(a, b, ...)",
            Self::Maximum => "max(a, b, ...)",
            Self::Absolute => "abs(x)",
            Self::Floor => "floor(x)",
            Self::Ceiling => "ceil(x)",
            Self::Round => "round(x) or round(x, places)",
            Self::Clamp => "clamp(x, low, high)",
        }
    }

    /// Whether it takes that many arguments.
    #[must_use]
    pub fn takes(self, arguments: usize) -> bool {
        match self {
            Self::Minimum | Self::Maximum => arguments >= 2,
            Self::Absolute | Self::Floor | Self::Ceiling => arguments == 1,
            Self::Round => arguments == 1 || arguments == 2,
            Self::Clamp => arguments == 3,
        }
    }
}

/// The head of a function, which has no meaning of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionHead {
    /// `vmtime` of `function vmtime(price, volume)`.
    pub name: Option<Name>,
    /// The parameters: variables, in any order.
    pub parameters: Vec<Name>,
}
