//! A policy document, and what documents decide together.

use super::{
    condition::Condition,
    error::{DocumentError, quoted},
    json::{Node, Spot},
    pattern::Pattern,
    request::{AccessRequest, DecidedBy, Decision},
    resource::{ResourcePattern, parse_action},
};

/// A policy document that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDocument {
    statements: Box<[Statement]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    effect: Effect,
    actions: Selection<Pattern>,
    resources: Selection<ResourcePattern>,
    conditions: Box<[Condition]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

/// What a list selects: what is in it, or (`NotAction`, `NotResource`) everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Selection<T> {
    patterns: Box<[T]>,
    inverted: bool,
}

impl<T> Selection<T> {
    fn selects(&self, matches: impl Fn(&T) -> bool) -> bool {
        self.patterns.iter().any(matches) != self.inverted
    }
}

impl PolicyDocument {
    /// How many characters a document may have (RAM's limit for custom policies).
    pub const CHARACTERS_MAX: usize = 6_144;

    /// Reads a document.
    ///
    /// # Errors
    /// The first thing in it that cannot be understood; see [`DocumentError`].
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        // A character has at most four bytes: a longer text need not be counted.
        let limit = Self::CHARACTERS_MAX;
        let characters = if text.len() > 4 * limit { text.len() / 4 } else { text.chars().count() };
        if characters > limit {
            return Err(DocumentError::TooLong { characters, limit });
        }
        Self::from_node(&Node::parse(text)?)
    }

    fn from_node(node: &Node) -> Result<Self, DocumentError> {
        let (mut version, mut statements) = (None, None);
        let root = Spot::root(node);
        for (name, spot) in root.object()? {
            match name {
                "Version" => version = Some(spot),
                "Statement" => statements = Some(spot),
                _ => return Err(unknown_element(&root, name, "Version and Statement")),
            }
        }
        let found = required(&root, version, "Version")?.text()?;
        if found != "1" {
            return Err(DocumentError::UnknownVersion { found: quoted(found) });
        }
        let statements = required(&root, statements, "Statement")?.list()?;
        Ok(Self { statements: statements.iter().map(Statement::parse).collect::<Result<_, _>>()? })
    }

    /// The document that denies everything: what to put in the place of a stored text that can no longer be read, so
    /// that nothing its denials covered is let through.
    pub fn deny_all() -> Self {
        let everything = Statement {
            effect: Effect::Deny,
            actions: Selection { patterns: [Pattern::anything()].into(), inverted: false },
            resources: Selection { patterns: [ResourcePattern::Anything].into(), inverted: false },
            conditions: Box::default(),
        };
        Self { statements: [everything].into() }
    }

    /// How many statements it has; at least one.
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }
}

impl Statement {
    fn parse(statement: &Spot<'_>) -> Result<Self, DocumentError> {
        let (mut effect, mut condition) = (None, None);
        let (mut action, mut not_action) = (None, None);
        let (mut resource, mut not_resource) = (None, None);
        for (name, spot) in statement.object()? {
            let element = match name {
                "Effect" => &mut effect,
                "Action" => &mut action,
                "NotAction" => &mut not_action,
                "Resource" => &mut resource,
                "NotResource" => &mut not_resource,
                "Condition" => &mut condition,
                _ => {
                    let known = "Effect, Action or NotAction, Resource or NotResource, and Condition";
                    return Err(unknown_element(statement, name, known));
                }
            };
            *element = Some(spot);
        }
        Ok(Self {
            effect: Effect::parse(&required(statement, effect, "Effect")?)?,
            actions: Selection::parse(
                statement,
                ["Action", "NotAction"],
                [action, not_action],
                action_pattern,
            )?,
            resources: Selection::parse(
                statement,
                ["Resource", "NotResource"],
                [resource, not_resource],
                resource_pattern,
            )?,
            conditions: condition.map_or_else(|| Ok(Box::default()), |spot| Condition::parse_all(&spot))?,
        })
    }

    /// Whether it is about a request.
    fn applies_to(&self, request: &AccessRequest<'_>) -> bool {
        self.actions.selects(|pattern| pattern.matches(request.action))
            && self.resources.selects(|pattern| pattern.matches(&request.resource))
            && self.conditions.iter().all(|condition| condition.holds(request))
    }
}

impl Effect {
    fn parse(effect: &Spot<'_>) -> Result<Self, DocumentError> {
        match effect.text()? {
            "Allow" => Ok(Self::Allow),
            "Deny" => Ok(Self::Deny),
            other => Err(DocumentError::UnknownEffect { place: effect.place.clone(), found: quoted(other) }),
        }
    }
}

impl<T> Selection<T> {
    /// Reads the one of two elements that is there: the plain one, or the one that inverts.
    fn parse<'n>(
        statement: &Spot<'n>,
        [plain, inverting]: [&'static str; 2],
        elements: [Option<Spot<'n>>; 2],
        read: fn(&Spot<'_>, &str) -> Result<T, DocumentError>,
    ) -> Result<Self, DocumentError> {
        let (element, inverted) = match elements {
            [Some(element), None] => (element, false),
            [None, Some(element)] => (element, true),
            [None, None] => return Err(missing(statement, plain)),
            [Some(_), Some(_)] => {
                let place = statement.place.clone();
                return Err(DocumentError::Both { place, first: plain, second: inverting });
            }
        };
        let patterns =
            element.texts()?.iter().map(|(spot, text)| read(spot, text)).collect::<Result<_, _>>()?;
        Ok(Self { patterns, inverted })
    }
}

fn action_pattern(spot: &Spot<'_>, text: &str) -> Result<Pattern, DocumentError> {
    parse_action(text).map_err(|reason| DocumentError::BadAction {
        place: spot.place.clone(),
        found: quoted(text),
        reason,
    })
}

fn resource_pattern(spot: &Spot<'_>, text: &str) -> Result<ResourcePattern, DocumentError> {
    ResourcePattern::parse(text).map_err(|reason| DocumentError::BadResource {
        place: spot.place.clone(),
        found: quoted(text),
        reason,
    })
}

fn required<'n>(
    parent: &Spot<'n>,
    element: Option<Spot<'n>>,
    name: &'static str,
) -> Result<Spot<'n>, DocumentError> {
    element.ok_or_else(|| missing(parent, name))
}

fn missing(parent: &Spot<'_>, name: &'static str) -> DocumentError {
    DocumentError::Missing { place: parent.place.clone(), name }
}

fn unknown_element(parent: &Spot<'_>, name: &str, known: &'static str) -> DocumentError {
    DocumentError::UnknownElement { place: parent.place.clone(), name: quoted(name), known }
}

/// Decides a request by documents, as RAM does: a statement that denies it wins over all that allow it, and what no
/// statement is about is denied.
pub fn evaluate<'d>(
    documents: impl IntoIterator<Item = &'d PolicyDocument>,
    request: &AccessRequest<'_>,
) -> Decision {
    let mut decision = Decision::ImplicitDeny;
    for (document, policy) in documents.into_iter().enumerate() {
        for (index, statement) in policy.statements.iter().enumerate() {
            // An Allow after the first changes nothing.
            if statement.effect == Effect::Allow && decision.is_allowed() || !statement.applies_to(request) {
                continue;
            }
            let by = DecidedBy { document, statement: index };
            match statement.effect {
                Effect::Deny => return Decision::ExplicitDeny(by),
                Effect::Allow => decision = Decision::Allow(by),
            }
        }
    }
    decision
}
