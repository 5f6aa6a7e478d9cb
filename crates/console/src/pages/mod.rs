//! The pages, one file a family. A page is added by a line in its family's `ROUTES`, a family by a line here.

pub(crate) mod changes;
mod explorer;
mod groups;
mod live;
mod nodes;
mod overview;
pub(crate) mod sign_in;
pub(crate) mod trouble;

use crate::router::Route;

/// Every page.
pub(crate) fn routes() -> impl Iterator<Item = &'static Route> {
    const FAMILIES: &[&[Route]] = &[
        sign_in::ROUTES,
        overview::ROUTES,
        groups::ROUTES,
        nodes::ROUTES,
        changes::ROUTES,
        explorer::ROUTES,
    ];
    FAMILIES.iter().copied().flatten()
}
