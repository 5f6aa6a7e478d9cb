//! Making a group, giving it another name, and deleting it.

use maud::{Markup, html};
use wire::catalogue::Fault;

use super::{SECTION, address, show::name};
use crate::{
    ROOT,
    json::text,
    proposal,
    response::Page,
    router::Outcome,
    trouble::Trouble,
    view::{
        self,
        fields::{self, Field},
    },
    visit::Visit,
};

fn fields(form_name: &str, description: &str) -> Markup {
    html! {
        (Field::new("SecurityGroupName", "Name", form_name).hint("2 to 128 characters: letters, digits, : _ -; it begins with a letter.").required().text())
        (Field::new("Description", "What it is for", description).hint("2 to 256 characters; it begins with a letter.").text())
    }
}

fn under_list(page: Page) -> Page {
    page.under("Security groups", format!("{ROOT}{SECTION}"))
}

/// The parameters of the form: what was left empty is not sent.
fn parameters<'v>(visit: &'v Visit<'_>) -> Vec<(&'static str, &'v str)> {
    let given = |name: &'static str| visit.form.given(name).map(|value| (name, value));
    ["SecurityGroupName", "Description"].into_iter().filter_map(given).collect()
}

pub(super) async fn new(visit: &Visit<'_>) -> Outcome {
    Ok(new_page(visit, None).into())
}

fn new_page(visit: &Visit<'_>, fault: Option<&Fault>) -> Page {
    let body = html! {
        @if let Some(fault) = fault { (view::refusal(fault)) }
        div .card .measure {
            (view::form(visit, &format!("{ROOT}/groups/new"), &html! {
                (fields(visit.form.get("SecurityGroupName"), visit.form.get("Description")))
                (fields::buttons("Create the group", &format!("{ROOT}{SECTION}")))
            }))
        }
    };
    under_list(Page::new(SECTION, "Create a security group", body))
        .status(fault.map_or(200, |fault| fault.status))
}

pub(super) async fn create(visit: &Visit<'_>) -> Outcome {
    match visit.api.try_call("CreateSecurityGroup", &parameters(visit)).await {
        Ok(changed) => {
            let own = address(text(&changed.answer, "SecurityGroupId"));
            Ok(proposal::after(changed.generation, "CreateSecurityGroup", &own))
        }
        Err(fault) => Ok(new_page(visit, Some(&fault)).into()),
    }
}

pub(super) async fn form(visit: &Visit<'_>) -> Outcome {
    let group = visit.part("group");
    let known = visit.api.read("DescribeSecurityGroupAttribute", &[("SecurityGroupId", group)]).await?;
    let (own, description) = (text(&known, "SecurityGroupName"), text(&known, "Description"));
    Ok(edit_page(visit, name(&known), own, description, None).into())
}

fn edit_page(
    visit: &Visit<'_>,
    group: &str,
    own_name: &str,
    description: &str,
    fault: Option<&Fault>,
) -> Page {
    let own = address(visit.part("group"));
    let body = html! {
        @if let Some(fault) = fault { (view::refusal(fault)) }
        div .card .measure {
            (view::form(visit, &format!("{own}/edit"), &html! {
                (fields(own_name, description))
                (fields::buttons("Save", &own))
            }))
        }
    };
    let page = under_list(Page::new(SECTION, "Rename the group", body)).under(group, own);
    page.status(fault.map_or(200, |fault| fault.status))
}

pub(super) async fn save(visit: &Visit<'_>) -> Outcome {
    let group = visit.part("group");
    let mut all = parameters(visit);
    all.push(("SecurityGroupId", group));
    match visit.api.try_call("ModifySecurityGroupAttribute", &all).await {
        Ok(changed) => {
            Ok(proposal::after(changed.generation, "ModifySecurityGroupAttribute", &address(group)))
        }
        Err(fault) => {
            let (own, description) = (visit.form.get("SecurityGroupName"), visit.form.get("Description"));
            Ok(edit_page(visit, group, own, description, Some(&fault)).into())
        }
    }
}

pub(super) async fn ask_to_delete(visit: &Visit<'_>) -> Outcome {
    let group = visit.part("group");
    let known = visit.api.read("DescribeSecurityGroupAttribute", &[("SecurityGroupId", group)]).await?;
    let own = address(group);
    let body = view::confirm_loss(
        visit,
        &format!("{own}/delete"),
        "Delete the group",
        &own,
        &html! { p { "Its rules go with it. A group that has members still is not deleted: let them leave first." } },
    );
    let page = Page::new(SECTION, format!("Delete {}?", name(&known)), body);
    Ok(under_list(page).under(name(&known), own).into())
}

pub(super) async fn delete(visit: &Visit<'_>) -> Outcome {
    let group = visit.part("group");
    let deleted = visit.api.try_call("DeleteSecurityGroup", &[("SecurityGroupId", group)]).await;
    let changed = deleted.map_err(|fault| Trouble::fault("DeleteSecurityGroup", fault))?;
    Ok(proposal::after(changed.generation, "DeleteSecurityGroup", &format!("{ROOT}{SECTION}")))
}
