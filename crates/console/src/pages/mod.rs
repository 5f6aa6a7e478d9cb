//! The pages, one file a family. A page is added by a line in its family's `ROUTES`, a family by a line here.

mod access;
mod activity;
pub(crate) mod changes;
mod chart;
mod choices;
mod effective;
mod explain;
mod explorer;
mod findings;
mod groups;
mod instances;
mod interfaces;
mod live;
mod map;
mod names;
mod networks;
mod nodes;
mod overview;
mod policies;
mod reason;
mod reference;
pub(crate) mod sign_in;
mod stake;
mod traffic;
pub(crate) mod trouble;
mod users;

use crate::router::Route;

/// Every page.
pub(crate) fn routes() -> impl Iterator<Item = &'static Route> {
    const FAMILIES: &[&[Route]] = &[
        sign_in::ROUTES,
        overview::ROUTES,
        groups::ROUTES,
        instances::ROUTES,
        interfaces::ROUTES,
        traffic::ROUTES,
        networks::ROUTES,
        nodes::ROUTES,
        changes::ROUTES,
        activity::ROUTES,
        users::ROUTES,
        policies::ROUTES,
        access::ROUTES,
        explain::ROUTES,
        explorer::ROUTES,
        findings::ROUTES,
        map::ROUTES,
        reference::ROUTES,
    ];
    FAMILIES.iter().copied().flatten()
}
