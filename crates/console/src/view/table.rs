//! Tables. On a narrow screen each row is a card, in which the head of a column stands beside the value: every cell carries it.

use maud::{Markup, html};

/// The cells of a row, one after the other.
pub(crate) type Row = Vec<Cell>;

/// A cell.
pub(crate) struct Cell {
    content: Markup,
    /// It says what its row is about.
    is_head: bool,
    is_number: bool,
    classes: &'static str,
    /// How many columns it is wide.
    span: usize,
}

impl Cell {
    /// A cell.
    pub(crate) fn of(content: Markup) -> Self {
        Self { content, is_head: false, is_number: false, classes: "", span: 1 }
    }

    /// The cell that says what its row is about.
    pub(crate) fn head(content: Markup) -> Self {
        Self { is_head: true, ..Self::of(content) }
    }

    /// A cell with a number. The head of its column is where numbers are: on the right.
    pub(crate) fn number(content: Markup) -> Self {
        Self { is_number: true, ..Self::of(content) }
    }

    /// On one line.
    pub(crate) fn nowrap(self) -> Self {
        Self { classes: "nowrap", ..self }
    }

    /// On the right.
    pub(crate) fn right(self) -> Self {
        Self { classes: "right", ..self }
    }

    /// Of less weight.
    pub(crate) fn soft(self) -> Self {
        Self { classes: "soft", ..self }
    }

    /// As wide as several columns.
    pub(crate) fn spanning(self, columns: usize) -> Self {
        Self { span: columns, ..self }
    }

    fn shown(&self, head: &str) -> Markup {
        let class = match (self.is_number, self.classes) {
            (true, "") => "number-cell".to_owned(),
            (true, classes) => format!("number-cell {classes}"),
            (false, classes) => classes.to_owned(),
        };
        let class = (!class.is_empty()).then_some(class);
        let label = (!head.is_empty() && self.span == 1).then_some(head);
        let span = (self.span > 1).then_some(self.span);
        html! {
            @if self.is_head { th scope="row" class=[class] { (self.content) } }
            @else { td data-label=[label] class=[class] colspan=[span] { (self.content) } }
        }
    }
}

/// A table, which on a wide screen can be moved sideways where it does not fit. `label` says what it lists.
pub(crate) fn table(label: &str, heads: &[&str], rows: impl IntoIterator<Item = Row>) -> Markup {
    let rows: Vec<Row> = rows.into_iter().collect();
    let has_numbers = |place: usize| rows.iter().any(|row| row.get(place).is_some_and(|cell| cell.is_number));
    let head = |place: usize| heads.get(place).copied().unwrap_or_default();
    html! {
        div .table-frame tabindex="0" role="region" aria-label=(label) {
            table {
                thead {
                    tr {
                        @for (place, head) in heads.iter().enumerate() {
                            @let class = has_numbers(place).then_some("number-cell");
                            @if head.is_empty() { td {} } @else { th scope="col" class=[class] { (head) } }
                        }
                    }
                }
                tbody {
                    @for row in &rows {
                        tr { @for (place, cell) in row.iter().enumerate() { (cell.shown(head(place))) } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cell_has_the_head_of_its_column() {
        let text = |text: &str| html! { (text) };
        let rows = [
            vec![Cell::head(text("<td>")), Cell::number(text("7")), Cell::of(text("x")).right()],
            vec![Cell::head(text("b")), Cell::of(text("8")), Cell::of(text("y")).spanning(2)],
        ];
        let shown = table("Things", &["Name", "\"Packets\"", ""], rows).into_string();
        for part in [
            "<th scope=\"row\">&lt;td&gt;</th><td data-label=\"&quot;Packets&quot;\" class=\"number-cell\">7</td><td class=\"right\">x</td>",
            "<td data-label=\"&quot;Packets&quot;\">8</td><td colspan=\"2\">y</td>",
            "<th scope=\"col\">Name</th><th scope=\"col\" class=\"number-cell\">&quot;Packets&quot;</th><td></td>",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }
}
