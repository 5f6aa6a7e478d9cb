//! Tables. On a narrow screen each row is a card, in which the head of a column stands beside the value: every cell carries it.

use maud::{Markup, PreEscaped, html};

/// A table, which on a wide screen can be moved sideways where it does not fit. `label` says what it lists. A column whose
/// cells are numbers has its head where they are: on the right.
pub(crate) fn table(label: &str, heads: &[&str], rows: &Markup) -> Markup {
    let rows = Rows::labelled(&rows.0, heads);
    html! {
        div .table-frame tabindex="0" role="region" aria-label=(label) {
            table {
                thead {
                    tr {
                        @for (place, head) in heads.iter().enumerate() {
                            @let class = rows.numbers.contains(&place).then_some("number-cell");
                            @if head.is_empty() { td {} } @else { th scope="col" class=[class] { (head) } }
                        }
                    }
                }
                tbody { (PreEscaped(rows.html)) }
            }
        }
    }
}

/// The tables of a text that others wrote, their cells labelled as those of [`table`] are.
pub(crate) fn labelled(html: &str) -> String {
    let mut parts = html.split("<table");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole.push_str("<table");
        let Some((head, rest)) = part.split_once("</thead>") else {
            whole.push_str(part);
            continue;
        };
        let heads: Vec<String> = head.split("<th").skip(1).filter_map(words).collect();
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        let (body, after) = rest.split_once("</table>").unwrap_or((rest, ""));
        whole.extend([head, "</thead>", &Rows::labelled(body, &heads).html, "</table>", after]);
    }
    whole
}

/// The words of an element whose name was cut off; none where it is of another name.
fn words(element: &str) -> Option<String> {
    if !element.starts_with(['>', ' ']) {
        return None;
    }
    let (_, text) = element.split_once('>')?;
    let text = text.split("</th>").next()?;
    Some(text.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect())
}

/// The rows of a table.
struct Rows {
    html: String,
    /// The places of the columns that have numbers.
    numbers: Vec<usize>,
}

impl Rows {
    /// These rows with the head of its column in each cell. What people wrote is escaped: every `<` begins a tag.
    fn labelled(rows: &str, heads: &[&str]) -> Self {
        let mut labelled = Self { html: String::with_capacity(rows.len() * 2), numbers: Vec::new() };
        let mut column = 0;
        for (place, part) in rows.split('<').enumerate() {
            if place > 0 {
                labelled.html.push('<');
            }
            let attributes = part.get(2..).unwrap_or_default();
            let (name, attributes) = match attributes.split_once('>') {
                Some((attributes, _)) if attributes.is_empty() || attributes.starts_with(' ') => {
                    (part.get(..2).unwrap_or_default(), attributes)
                }
                _ => ("", ""),
            };
            match name {
                "tr" => column = 0,
                "td" | "th" => {
                    if attributes.contains("number-cell") && !labelled.numbers.contains(&column) {
                        labelled.numbers.push(column);
                    }
                    let head = heads.get(column).copied().unwrap_or_default();
                    column += 1;
                    if name == "td" && !head.is_empty() && !attributes.contains("colspan") {
                        labelled
                            .html
                            .push_str(&html! { "td data-label=\"" (head) "\"" }.0.replace("&quot;", "\""));
                        labelled.html.push_str(part.get(2..).unwrap_or_default());
                        continue;
                    }
                }
                _ => {}
            }
            labelled.html.push_str(part);
        }
        labelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cell_has_the_head_of_its_column() {
        let rows = html! {
            tr { th scope="row" { "<td>" } td .number-cell { "7" } td .right { "x" } }
            tr { th { "b" } td { "8" } td colspan="2" { "y" } }
        };
        let shown = table("Things", &["Name", "Packets", ""], &rows).into_string();
        for part in [
            "<th scope=\"row\">&lt;td&gt;</th><td data-label=\"Packets\" class=\"number-cell\">7</td><td class=\"right\">x</td>",
            "<td data-label=\"Packets\">8</td><td colspan=\"2\">y</td>",
            "<th scope=\"col\">Name</th><th scope=\"col\" class=\"number-cell\">Packets</th><td></td>",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }

    #[test]
    fn the_tables_of_a_text_are_labelled_too() {
        let text = "a<table><thead><tr><th>Name</th><th class=\"x\">What <b>it</b> is</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>b<table>c";
        let head = "a<table><thead><tr><th>Name</th><th class=\"x\">What <b>it</b> is</th></tr></thead>";
        let body = "<tbody><tr><td data-label=\"Name\">1</td><td data-label=\"What it is\">2</td></tr></tbody></table>b<table>c";
        assert_eq!(labelled(text), format!("{head}{body}"));
    }
}
