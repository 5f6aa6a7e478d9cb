//! Security groups: their list, one of them with its rules and members, and every change of them.

mod edit;
mod list;
mod members;
pub(super) mod rule;
mod show;

use crate::router::Route;

/// Where this stands in the navigation.
pub(super) const SECTION: &str = "/groups";

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/groups", |visit| Box::pin(list::show(visit))),
    Route::read("/groups/new", |visit| Box::pin(edit::new(visit))),
    Route::send("/groups/new", |visit| Box::pin(edit::create(visit))),
    Route::read("/groups/{group}", |visit| Box::pin(show::show(visit))),
    Route::read("/groups/{group}/edit", |visit| Box::pin(edit::form(visit))),
    Route::send("/groups/{group}/edit", |visit| Box::pin(edit::save(visit))),
    Route::read("/groups/{group}/delete", |visit| Box::pin(edit::ask_to_delete(visit))),
    Route::send("/groups/{group}/delete", |visit| Box::pin(edit::delete(visit))),
    Route::read("/groups/{group}/rules/new", |visit| Box::pin(rule::form(visit))),
    Route::read("/groups/{group}/rules/add", |visit| Box::pin(rule::preview_add(visit))),
    Route::send("/groups/{group}/rules/add", |visit| Box::pin(rule::add(visit))),
    Route::read("/groups/{group}/rules/remove", |visit| Box::pin(rule::preview_remove(visit))),
    Route::send("/groups/{group}/rules/remove", |visit| Box::pin(rule::remove(visit))),
    Route::read("/groups/{group}/join", |visit| Box::pin(members::form(visit))),
    Route::read("/groups/{group}/join/preview", |visit| Box::pin(members::preview_join(visit))),
    Route::send("/groups/{group}/join", |visit| Box::pin(members::join(visit))),
    Route::read("/groups/{group}/leave", |visit| Box::pin(members::preview_leave(visit))),
    Route::send("/groups/{group}/leave", |visit| Box::pin(members::leave(visit))),
];

/// The address of a group's page.
pub(super) fn address(group: &str) -> String {
    crate::view::address_of("groups", group)
}
