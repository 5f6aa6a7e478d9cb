//! Fields of forms: a label, what is meant, and the value that was given.

use maud::{Markup, html};

/// A field of a form. The name is its id, too: each stands once on a page.
pub(crate) struct Field<'a> {
    /// The name that is sent.
    pub(crate) name: &'a str,
    /// What it is called.
    pub(crate) label: &'a str,
    /// What it means, or what it must look like; empty: the label is enough.
    pub(crate) hint: &'a str,
    /// The value that it has.
    pub(crate) value: &'a str,
    /// Whether it must be filled in.
    pub(crate) required: bool,
}

impl<'a> Field<'a> {
    /// A field that may be left empty.
    pub(crate) fn new(name: &'a str, label: &'a str, value: &'a str) -> Self {
        Self { name, label, hint: "", value, required: false }
    }

    /// With a line that says what is meant.
    pub(crate) fn hint(self, hint: &'a str) -> Self {
        Self { hint, ..self }
    }

    /// One that must be filled in.
    pub(crate) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    fn around(&self, control: &Markup) -> Markup {
        html! {
            div .field {
                label for=(self.name) {
                    (self.label)
                    @if !self.required { span .soft { " (optional)" } }
                }
                (control)
                @if !self.hint.is_empty() { p .hint id={ (self.name) "-hint" } { (super::prose(self.hint)) } }
            }
        }
    }

    fn hint_id(&self) -> Option<String> {
        (!self.hint.is_empty()).then(|| format!("{}-hint", self.name))
    }

    /// A line of text.
    pub(crate) fn text(&self) -> Markup {
        self.around(&html! {
            input type="text" id=(self.name) name=(self.name) value=(self.value) required[self.required]
                autocomplete="off" spellcheck="false" aria-describedby=[self.hint_id()];
        })
    }

    /// What to search for. Nothing has to be.
    pub(crate) fn search(&self) -> Markup {
        self.around(&html! {
            input type="search" id=(self.name) name=(self.name) value=(self.value) autocomplete="off"
                spellcheck="false" data-search aria-describedby=[self.hint_id()];
        })
    }

    /// A line that nobody sees.
    pub(crate) fn secret(&self) -> Markup {
        self.around(&html! {
            input type="password" id=(self.name) name=(self.name) required[self.required]
                autocomplete="current-password" aria-describedby=[self.hint_id()];
        })
    }

    /// A whole number.
    pub(crate) fn number(&self, least: i64, most: i64) -> Markup {
        self.around(&html! {
            input type="number" id=(self.name) name=(self.name) value=(self.value) min=(least) max=(most)
                required[self.required] inputmode="numeric" aria-describedby=[self.hint_id()];
        })
    }

    /// Lines of text.
    pub(crate) fn lines(&self, rows: u8) -> Markup {
        self.around(&html! {
            textarea id=(self.name) name=(self.name) rows=(rows) required[self.required] spellcheck="false"
                aria-describedby=[self.hint_id()] { (self.value) }
        })
    }

    /// One of some values, each with its name.
    pub(crate) fn choice<'c>(&self, choices: impl IntoIterator<Item = (&'c str, &'c str)>) -> Markup {
        self.select(choices, self.required)
    }

    /// As [`Field::choice`], where the first value stands for all of them.
    pub(crate) fn filter<'c>(&self, choices: impl IntoIterator<Item = (&'c str, &'c str)>) -> Markup {
        self.select(choices, false)
    }

    fn select<'c>(&self, choices: impl IntoIterator<Item = (&'c str, &'c str)>, required: bool) -> Markup {
        self.around(&html! {
            select id=(self.name) name=(self.name) required[required] aria-describedby=[self.hint_id()] {
                @for (value, name) in choices {
                    option value=(value) selected[value == self.value] { (name) }
                }
            }
        })
    }
}

/// The end of a form: what it does, and the way back.
pub(crate) fn buttons(name: &str, back: &str) -> Markup {
    end("button primary", name, back)
}

/// The same for what cannot be undone.
pub(crate) fn danger_buttons(name: &str, back: &str) -> Markup {
    end("button danger", name, back)
}

fn end(class: &str, name: &str, back: &str) -> Markup {
    html! {
        div .buttons {
            button class=(class) type="submit" { (name) }
            @if !back.is_empty() { a .button href=(back) { "Cancel" } }
        }
    }
}
