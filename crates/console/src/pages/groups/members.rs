//! Joining and leaving, each with its preview first.

use maud::{Markup, html};

use super::{super::names::Names, SECTION, address, show::name};
use crate::{
    ROOT,
    form::{self, Form},
    proposal::Proposal,
    response::Page,
    router::Outcome,
    trouble::Trouble,
    view::fields::{self, Field},
    visit::Visit,
};

/// Who joins or leaves: an instance, whose primary interface it is then, or an interface.
enum Member {
    Instance(String),
    Interface(String),
}

impl Member {
    fn of(form: &Form) -> Option<Self> {
        if let Some(id) = form.given("interface") {
            return Some(Self::Interface(id.to_owned()));
        }
        form.given("instance").map(|id| Self::Instance(id.to_owned()))
    }

    /// Of a field into which either id may be filled.
    fn of_id(id: &str) -> Self {
        if id.starts_with("eni-") { Self::Interface(id.to_owned()) } else { Self::Instance(id.to_owned()) }
    }

    fn id(&self) -> &str {
        match self {
            Self::Instance(id) | Self::Interface(id) => id,
        }
    }

    fn parameter(&self) -> (&'static str, String) {
        match self {
            Self::Instance(id) => ("InstanceId", id.clone()),
            Self::Interface(id) => ("NetworkInterfaceId", id.clone()),
        }
    }

    fn field(&self) -> (&'static str, String) {
        match self {
            Self::Instance(id) => ("instance", id.clone()),
            Self::Interface(id) => ("interface", id.clone()),
        }
    }

    /// A link to it, by its name where it has one.
    async fn link(&self, visit: &Visit<'_>) -> Markup {
        let names = match self {
            Self::Instance(id) => Names::default().and_instances(&visit.api, [id.as_str()].into_iter()).await,
            Self::Interface(_) => Names::default(),
        };
        html! { strong { (names.link(self.id())) } }
    }
}

async fn group_name(visit: &Visit<'_>) -> Result<String, Trouble> {
    let id = visit.part("group");
    let group = visit.api.read("DescribeSecurityGroupAttribute", &[("SecurityGroupId", id)]).await?;
    Ok(name(&group).to_owned())
}

fn page(visit: &Visit<'_>, group: &str, title: impl Into<String>, body: Markup) -> Page {
    Page::new(SECTION, title, body)
        .under("Security groups", format!("{ROOT}{SECTION}"))
        .under(group, address(visit.part("group")))
}

pub(super) async fn form(visit: &Visit<'_>) -> Outcome {
    let group = group_name(visit).await?;
    let own = address(visit.part("group"));
    let body = html! {
        form .form .card .measure method="get" action={ (own) "/join/preview" } {
            (Field::new("member", "Instance or network interface", visit.query.get("member"))
                .hint("The id of an instance (`i-...`), whose primary interface joins, or of a network interface (`eni-...`).")
                .required().text())
            (fields::buttons("Preview", &own))
        }
        p { "Ids stand in the lists of " a href={ (ROOT) "/instances" } { "instances" } " and "
            a href={ (ROOT) "/interfaces" } { "network interfaces" } ". The page of an instance can let it join, too." }
    };
    Ok(page(visit, &group, "Add a member", body)
        .lead(html! { "Nothing is changed yet: next you see what it would open or close." })
        .into())
}

fn proposal(visit: &Visit<'_>, member: &Member, joins: bool, sentence: Markup) -> Proposal {
    let id = visit.part("group");
    let own = address(id);
    Proposal {
        operation: if joins { "JoinSecurityGroup" } else { "LeaveSecurityGroup" },
        parameters: vec![("SecurityGroupId", id.to_owned()), member.parameter()],
        title: if joins { "Join this group?".into() } else { "Leave this group?".into() },
        sentence,
        verb: if joins { "Join" } else { "Leave" },
        action: format!("{own}/{}", if joins { "join" } else { "leave" }),
        fields: vec![member.field()],
        form: joins.then(|| format!("{own}/join?{}", form::query([("member", member.id())].into_iter()))),
        back: own,
    }
}

/// The change that joins or leaves, with the name of the group.
async fn proposed(visit: &Visit<'_>, member: &Member, joins: bool) -> Result<(Proposal, String), Trouble> {
    let group = group_name(visit).await?;
    let would = if joins { " would join " } else { " would leave " };
    let sentence = html! { (member.link(visit).await) (would) strong { (group) } "." };
    Ok((proposal(visit, member, joins, sentence), group))
}

pub(super) async fn preview_join(visit: &Visit<'_>) -> Outcome {
    let member = match Member::of(&visit.query) {
        Some(member) => member,
        None => Member::of_id(visit.query.get("member")),
    };
    let (proposal, group) = proposed(visit, &member, true).await?;
    proposal.ask(visit, |title, body| page(visit, &group, title, body)).await
}

pub(super) async fn join(visit: &Visit<'_>) -> Outcome {
    change(visit, true).await
}

pub(super) async fn preview_leave(visit: &Visit<'_>) -> Outcome {
    let member = Member::of(&visit.query).ok_or(Trouble::NotFound)?;
    let (proposal, group) = proposed(visit, &member, false).await?;
    proposal.ask(visit, |title, body| page(visit, &group, title, body)).await
}

pub(super) async fn leave(visit: &Visit<'_>) -> Outcome {
    change(visit, false).await
}

async fn change(visit: &Visit<'_>, joins: bool) -> Outcome {
    let member = Member::of(&visit.form).ok_or(Trouble::MalformedForm)?;
    let (proposal, group) = proposed(visit, &member, joins).await?;
    proposal.carry_out(visit, |title, body| page(visit, &group, title, body)).await
}
