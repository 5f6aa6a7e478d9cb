//! All groups, the newest first.

use maud::html;
use serde_json::Value;

use super::SECTION;
use crate::{
    ROOT,
    json::{count, items, text},
    response::Page,
    router::Outcome,
    view::{self, Cell, Row, list, time},
    visit::Visit,
};

pub(super) async fn show(visit: &Visit<'_>) -> Outcome {
    let (query, page) = (&visit.query, list::page_number(&visit.query));
    let mut parameters = list::page_parameters(&page);
    if let Some(wanted) = query.given("q") {
        parameters
            .push((if wanted.starts_with("sg-") { "SecurityGroupId" } else { "SecurityGroupName" }, wanted));
    }
    let answer = visit.api.read("DescribeSecurityGroups", &parameters).await?;
    let groups = items(&answer, "SecurityGroups.SecurityGroup");
    let new = view::main_link(&format!("{ROOT}/groups/new"), "Create a group");
    let table = (!groups.is_empty()).then(|| {
        view::table("Security groups", &["Name", "Description", "Members", "Created"], groups.iter().map(row))
    });
    let list = list::List {
        section: SECTION,
        what: "security groups",
        hint: "An id, or the whole name",
        filters: html! {},
        none: view::empty(
            "There are no security groups yet.",
            &html! { "A group holds rules about packets and has members: what joins it is decided by its rules. Create one, add rules, and let instances join." },
            Some(&new),
        ),
        no_match: view::empty("No group matches.", &html! { "The name has to be the whole one." }, None),
    };
    let body = list.show(query, &answer, table.as_ref());
    Ok(Page::new(SECTION, "Security groups", body).actions(new).into())
}

fn row(group: &Value) -> Row {
    let id = text(group, "SecurityGroupId");
    let interfaces = items(group, "NetworkInterfaceIds.NetworkInterfaceId").len();
    let interfaces = u64::try_from(interfaces).unwrap_or(u64::MAX);
    vec![
        Cell::head(view::named(&super::address(id), text(group, "SecurityGroupName"), id)),
        Cell::of(html! { (text(group, "Description")) }),
        Cell::number(html! { (view::several(count(group, "InstanceCount"), "instance", "instances"))
        @if interfaces > 0 { span .beneath .soft { (view::several(interfaces, "further interface", "further interfaces")) } } }),
        Cell::of(time::at(text(group, "CreationTime"))).nowrap(),
    ]
}
