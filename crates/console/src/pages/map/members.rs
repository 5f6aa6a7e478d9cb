//! The members of the group that somebody follows on the map.

use maud::{Markup, html};

use super::{
    super::names::Names,
    world::{Centre, Group, Member, World},
};
use crate::{
    ROOT,
    api::Api,
    view::{self, Cell, Row},
};

/// Where they stand on the page.
pub(super) const PLACE: &str = "members";
/// The most members that are listed.
const SHOWN: usize = 25;

/// The members of the followed group. Nothing where none is followed.
pub(super) async fn of(api: &Api, world: &World) -> Markup {
    let Centre::Group(place) = world.centre else { return html! {} };
    let Some(group) = world.groups.get(place) else { return html! {} };
    let shown = group.members.get(..SHOWN).unwrap_or(&group.members);
    let names = Names::default().and_instances(api, shown.iter().map(|own| own.instance.as_str())).await;
    html! {
        section .part id=(PLACE) {
            h2 { "Members of " a href=(view::address_of("groups", &group.id)) { (group.name) } }
            @match group.member_count {
                None => (view::none("You may not see who is in it.", None)),
                Some(0) => (view::none("Nobody is in it.", None)),
                Some(count) => { (table(shown, &names)) (all(group, count)) }
            }
        }
    }
}

fn table(members: &[Member], names: &Names) -> Markup {
    view::table(
        "Members",
        &["Network interface", "Addresses", "Instance"],
        members.iter().map(|own| row(own, names)),
    )
}

fn row(member: &Member, names: &Names) -> Row {
    let address = view::address_of("interfaces", &member.interface);
    vec![
        Cell::head(view::named(&address, &member.name, &member.interface)),
        Cell::of(html! { @for address in &member.addresses { code .beneath { (address) } } }),
        Cell::of(html! { @if !member.instance.is_empty() { (names.link(&member.instance)) } }),
    ]
}

/// The way to those that are not listed.
fn all(group: &Group, count: u64) -> Markup {
    let is_cut = count > u64::try_from(SHOWN).unwrap_or(u64::MAX);
    html! {
        @if is_cut {
            p { "The first " (SHOWN) ". " a href={ (ROOT) "/interfaces?q=" (group.id) } { "All " (view::number(count)) " members" } }
        }
    }
}
