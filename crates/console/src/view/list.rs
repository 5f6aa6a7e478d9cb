//! Lists: search, filters, pages. The page that is asked for is the operation's own; nothing is read to be left out.

use maud::{Markup, html};
use serde_json::Value;
use wire::protocol::percent;

use crate::{
    ROOT,
    form::Form,
    json::count,
    view::{self, fields::Field},
};

/// How many entries a page of a list has.
pub(crate) const PAGE_SIZE: &str = "25";

/// The page that a query string asks for, as a parameter; 1 where it asks for none, or for none that can be.
pub(crate) fn page_number(query: &Form) -> String {
    let number =
        query.get("page").parse::<u32>().ok().filter(|number| (1..=i32::MAX.unsigned_abs()).contains(number));
    number.unwrap_or(1).to_string()
}

/// The same query string with another page.
fn with_page(query: &Form, page: u64) -> String {
    with(query, "page", &page.to_string())
}

/// The same query string with another value of one name.
pub(crate) fn with(query: &Form, name: &str, value: &str) -> String {
    let others = query.pairs().filter(|(own, value)| *own != name && !value.is_empty());
    let mut pairs: Vec<String> =
        others.map(|(name, value)| format!("{}={}", percent::encode(name), percent::encode(value))).collect();
    pairs.push(format!("{}={}", percent::encode(name), percent::encode(value)));
    format!("?{}", pairs.join("&"))
}

/// The parameters of the operation behind a list, for the page that a query string asks for.
pub(crate) fn page_parameters(page: &str) -> Vec<(&str, &str)> {
    vec![("PageNumber", page), ("PageSize", PAGE_SIZE)]
}

/// A list of what one operation answers, page by page.
pub(crate) struct List<'l> {
    /// Its address.
    pub(crate) section: &'l str,
    /// What is listed, as a plural.
    pub(crate) what: &'l str,
    /// What may be searched for.
    pub(crate) hint: &'l str,
    /// What it may be filtered by.
    pub(crate) filters: Markup,
    /// What is shown where there is nothing at all: what to do first.
    pub(crate) none: Markup,
    /// What is shown where nothing matches.
    pub(crate) no_match: Markup,
}

impl List<'_> {
    /// The list: the table, where it has rows.
    pub(crate) fn show(&self, query: &Form, answer: &Value, table: Option<&Markup>) -> Markup {
        if table.is_none() && !is_filtered(query) && page_number(query) == "1" {
            return self.none.clone();
        }
        html! {
            (search(self.section, query, self.hint, &self.filters))
            (table.unwrap_or(&self.no_match))
            (pager(query, answer, self.what))
        }
    }

    /// The form that the list is narrowed by, under what is wrong about how it was filled in.
    pub(crate) fn refused(&self, query: &Form, why: &Markup) -> Markup {
        html! { (why) (search(self.section, query, self.hint, &self.filters)) }
    }
}

/// How much there is, and the ways to the next and the previous page.
pub(crate) fn pager(query: &Form, answer: &Value, what: &str) -> Markup {
    let (total, number, size) =
        (count(answer, "TotalCount"), count(answer, "PageNumber").max(1), count(answer, "PageSize").max(1));
    let last = total.div_ceil(size).max(1);
    let from = ((number - 1) * size + 1).min(total);
    let to = (number * size).min(total);
    html! {
        nav .pager aria-label={ "Pages of " (what) } {
            p {
                @if total == 0 { "None." }
                @else if number > last { "There are " (view::number(total)) "; this page is beyond the last." }
                @else if last == 1 { (view::number(total)) " in all" }
                @else { (view::number(from)) "\u{2013}" (view::number(to)) " of " (view::number(total)) }
            }
            @if last > 1 || number > last {
                div .pager-links {
                    @if number > 1 { a .button rel="prev" href=(with_page(query, (number - 1).min(last))) { "Previous" } }
                    @if number < last { a .button rel="next" href=(with_page(query, number + 1)) { "Next" } }
                }
            }
        }
    }
}

/// The form of a search, with the filters that the list has.
pub(crate) fn search(section: &str, query: &Form, hint: &str, filters: &Markup) -> Markup {
    html! {
        form .filters role="search" method="get" action={ (ROOT) (section) } {
            (Field::new("q", "Search", query.get("q")).hint(hint).required().search())
            (filters)
            (show(section, is_filtered(query)))
        }
    }
}

/// The end of a form that narrows what is shown; where it is narrowed, with the way back to all.
pub(crate) fn show(section: &str, is_narrowed: bool) -> Markup {
    html! {
        div .buttons {
            button .button type="submit" { "Show" }
            @if is_narrowed { a .button href={ (ROOT) (section) } { "Show all" } }
        }
    }
}

/// A filter: one of some values, or any.
pub(crate) fn filter<'c>(
    name: &str,
    label: &str,
    query: &Form,
    choices: impl IntoIterator<Item = &'c str>,
) -> Markup {
    let any = [("", "Any")].into_iter();
    let field = Field { required: true, ..Field::new(name, label, query.get(name)) };
    field.filter(any.chain(choices.into_iter().map(|choice| (choice, choice))))
}

/// Whether a query string asks for less than everything.
pub(crate) fn is_filtered(query: &Form) -> bool {
    query.pairs().any(|(name, value)| name != "page" && !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_next_page_keeps_filters_as_they_were() {
        let query = Form::read(b"Kind=a%26b%3D%22&empty=&token=old&NetworkInterfaceId=eni-1").unwrap();
        assert_eq!(
            with(&query, "token", "new+1"),
            "?Kind=a%26b%3D%22&NetworkInterfaceId=eni-1&token=new%2B1"
        );
        assert_eq!(with_page(&Form::default(), 2), "?page=2");
    }
}
