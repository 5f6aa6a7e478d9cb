//! What stands around every page: head, navigation, who is signed in, the choice of colours.

use maud::{DOCTYPE, Markup, html};

use crate::{
    ROOT, api, assets,
    response::Page,
    router::{self, FORM_TOKEN},
    view::icon,
    visit::{Theme, Visit},
};

/// An entry of the navigation.
struct Entry {
    /// Where it leads, below the root. Pages name it as their section.
    address: &'static str,
    name: &'static str,
}

const fn entry(address: &'static str, name: &'static str) -> Entry {
    Entry { address, name }
}

/// The navigation: headings and entries.
const NAVIGATION: &[(&str, &[Entry])] = &[
    ("", &[entry("", "Overview")]),
    (
        "Security",
        &[
            entry("/groups", "Security groups"),
            entry("/map", "Map"),
            entry("/explain", "Explain"),
            entry("/findings", "Findings"),
        ],
    ),
    (
        "Resources",
        &[
            entry("/instances", "Instances"),
            entry("/interfaces", "Network interfaces"),
            entry("/networks", "Networks"),
        ],
    ),
    ("Fleet", &[entry("/nodes", "Nodes"), entry("/activity", "Activity")]),
    ("Access", &[entry("/users", "RAM users"), entry("/policies", "Policies"), entry("/access", "Check")]),
    (
        "API",
        &[
            entry("/explorer", "Try it now"),
            entry("/reference", "Reference"),
            entry("/errors", "Error codes"),
            entry("/release-notes", "Release notes"),
        ],
    ),
];

impl Entry {
    /// Whether its page is there, and the operation that it shows.
    fn exists(&self) -> bool {
        let needs = match self.address {
            "/activity" => "ListEvents",
            "/explain" => "ExplainTraffic",
            "/findings" => "ListFindings",
            _ => return router::exists(self.address),
        };
        api::operation(needs).is_some() && router::exists(self.address)
    }
}

/// The section of the navigation that an address below the root is in; the overview where it is in none.
pub(crate) fn section_of(path: &str) -> &'static str {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let mut entries = NAVIGATION.iter().flat_map(|(_, entries)| entries.iter());
    let own = entries.find(|entry| entry.address.strip_prefix('/').is_some_and(|own| own == first));
    own.map_or("", |entry| entry.address)
}

/// A whole document.
pub(crate) fn render(visit: &Visit<'_>, page: &Page) -> Markup {
    let theme = match visit.theme() {
        Theme::System => None,
        chosen => Some(chosen.word()),
    };
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme] {
            (head(page))
            body class=[visit.session.is_none().then_some("outside")] {
                a .skip-link href="#content" { "Skip to content" }
                (banner(visit))
                div .frame {
                    @if visit.session.is_some() { (navigation(page)) }
                    main #content tabindex="-1" data-live=[page.live.as_deref()] {
                        (heading(page))
                        (page.body)
                    }
                }
            }
        }
    }
}

fn head(page: &Page) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (page.title) " \u{2013} Ravelin" }
            link rel="icon" type="image/svg+xml" href=(assets::ICON.address);
            link rel="stylesheet" href=(assets::STYLE.address);
            script src=(assets::SCRIPT.address) defer {}
            @if page.reload {
                noscript { meta http-equiv="refresh" content="3"; }
            }
        }
    }
}

fn heading(page: &Page) -> Markup {
    html! {
        @if !page.trail.is_empty() {
            nav .trail aria-label="Breadcrumb" {
                ol {
                    @for (name, address) in &page.trail {
                        li { a href=(address) { (name) } }
                    }
                }
            }
        }
        div .page-head {
            div {
                h1 { (page.title) }
                @if let Some(lead) = &page.lead { p .lead { (lead) } }
            }
            @if let Some(actions) = &page.actions { div .actions { (actions) } }
        }
    }
}

fn banner(visit: &Visit<'_>) -> Markup {
    html! {
        header .banner {
            a .brand href=(ROOT) { (icon::mark()) span { "Ravelin" } }
            @if let Some(session) = &visit.session {
                details .menu {
                    summary { (icon::person()) span .menu-name { (session.access_key_id) } }
                    div .menu-body {
                        p .menu-note { "Signed in with the access key " code { (session.access_key_id) } }
                        (themes(visit))
                        form method="post" action={ (ROOT) "/sign-out" } {
                            input type="hidden" name=(FORM_TOKEN) value=(session.form_token);
                            button .button type="submit" { "Sign out" }
                        }
                    }
                }
            }
        }
    }
}

fn themes(visit: &Visit<'_>) -> Markup {
    let chosen = visit.theme();
    html! {
        form method="post" action={ (ROOT) "/theme" } {
            input type="hidden" name=(FORM_TOKEN) value=(visit.form_token());
            input type="hidden" name="back" value=(visit.address());
            fieldset .segments {
                legend { "Colours" }
                @for theme in Theme::ALL {
                    button type="submit" name="theme" value=(theme.word()) aria-pressed=(theme == chosen) {
                        @match theme {
                            Theme::System => "System",
                            Theme::Light => "Light",
                            Theme::Dark => "Dark",
                        }
                    }
                }
            }
        }
    }
}

fn navigation(page: &Page) -> Markup {
    html! {
        details .side open="" {
            summary { (icon::list()) span { "Menu" } }
            nav aria-label="Main" {
                @for (name, entries) in NAVIGATION {
                    @if !name.is_empty() { p .side-head aria-hidden="true" { (name) } }
                    ul aria-label=[(!name.is_empty()).then_some(name)] {
                        @for entry in entries.iter().filter(|entry| entry.exists()) {
                            li {
                                a href={ (ROOT) (entry.address) }
                                    aria-current=[(entry.address == page.section).then_some("page")] {
                                    (entry.name)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
