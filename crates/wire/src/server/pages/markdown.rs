//! The Markdown of the reference pages as HTML: headings, paragraphs, lists, tables, code and links, which is all they
//! use. What stands in them is text; nothing of it becomes markup.

use super::html::escape;

/// A document without its title.
pub(super) struct Rendered {
    /// The first heading.
    pub(super) title: String,
    /// Markup.
    pub(super) body: String,
}

/// Renders a page of the reference; `folder` is where it stands, `""` or such as `ens/`.
pub(super) fn render(text: &str, folder: &str) -> Rendered {
    let mut rendered = Rendered { title: String::new(), body: String::new() };
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("# ") {
            rendered.title = heading.to_owned();
        } else if line.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            rendered
                .body
                .push_str(&format!("<pre tabindex=\"0\"><code>{}</code></pre>\n", escape(&code.join("\n"))));
        } else if let Some((level, heading)) = heading(line) {
            rendered.body.push_str(&format!(
                "<h{level} id=\"{}\">{}</h{level}>\n",
                escape(&crate::reference::anchor(heading)),
                inline(heading, folder)
            ));
        } else if !line.is_empty() {
            let same = kind(line);
            let mut block = vec![line];
            while let Some(next) = lines.next_if(|next| !next.is_empty() && kind(next) == same) {
                block.push(next);
            }
            rendered.body.push_str(&match same {
                Kind::Table => table(&block, folder),
                Kind::List => list(&block, folder),
                Kind::Paragraph => format!("<p>{}</p>\n", inline(&block.join(" "), folder)),
            });
        }
    }
    rendered
}

#[derive(PartialEq, Clone, Copy)]
enum Kind {
    Table,
    List,
    Paragraph,
}

fn kind(line: &str) -> Kind {
    match line.get(..2) {
        Some("| ") => Kind::Table,
        Some("- ") => Kind::List,
        _ => Kind::Paragraph,
    }
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    (2..=4).contains(&level).then(|| line.get(level..)?.strip_prefix(' ')).flatten().map(|text| (level, text))
}

fn list(lines: &[&str], folder: &str) -> String {
    let items =
        lines.iter().map(|line| format!("<li>{}</li>\n", inline(line.get(2..).unwrap_or(""), folder)));
    format!("<ul>\n{}</ul>\n", items.collect::<String>())
}

fn table(lines: &[&str], folder: &str) -> String {
    let heads = lines.first().map(|line| cells(line)).unwrap_or_default();
    let head: String = heads.iter().map(|head| format!("<th>{}</th>", inline(head, folder))).collect();
    // On a narrow screen the head of its column stands beside each cell.
    let labels: Vec<String> = heads.iter().map(|head| escape(&head.replace('`', "")).into_owned()).collect();
    let row = |line: &&str| {
        let cells = cells(line).into_iter().enumerate().map(|(place, cell)| {
            let label = labels.get(place).map_or("", String::as_str);
            format!("<td data-label=\"{label}\">{}</td>", inline(&cell, folder))
        });
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    // The second line is the rule below the head.
    let rows: String = lines.iter().skip(2).map(row).collect();
    let head = format!("<tr>{head}</tr>\n");
    format!(
        "<div class=\"wide\" tabindex=\"0\"><table>\n<thead>{head}</thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

/// The cells of a row; a bar that belongs to a cell has a backslash before it.
fn cells(line: &str) -> Vec<String> {
    const BAR: &str = "\u{0}";
    let line = line.trim().replace("\\|", BAR);
    let inner = line.strip_prefix('|').unwrap_or(&line);
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    inner.split('|').map(|cell| cell.trim().replace(BAR, "|")).collect()
}

/// Code and links within a line.
fn inline(text: &str, folder: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(start) = rest.find(['`', '[']) {
        let (before, from) = rest.split_at(start);
        html.push_str(&escape(before));
        let (piece, after) = code(from).or_else(|| link(from, folder)).unwrap_or_else(|| {
            let (sign, after) = from.split_at(1);
            (sign.to_owned(), after)
        });
        html.push_str(&piece);
        rest = after;
    }
    html.push_str(&escape(rest));
    html
}

fn code(from: &str) -> Option<(String, &str)> {
    let (code, after) = from.strip_prefix('`')?.split_once('`')?;
    Some((format!("<code>{}</code>", escape(code)), after))
}

fn link<'a>(from: &'a str, folder: &str) -> Option<(String, &'a str)> {
    let (text, rest) = from.strip_prefix('[')?.split_once("](")?;
    let (target, after) = rest.split_once(')')?;
    Some((format!("<a href=\"{}\">{}</a>", escape(&address(target, folder)), escape(text)), after))
}

/// Where the server has what a page links to.
fn address(target: &str, folder: &str) -> String {
    let (file, fragment) = target.split_once('#').map_or((target, ""), |(file, fragment)| (file, fragment));
    let hash = if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
    if file.is_empty() {
        return hash;
    }
    let file = file.strip_suffix(".md").unwrap_or(file);
    match file.strip_prefix("../") {
        Some(above) => format!("{}{above}{hash}", super::REFERENCE_PATH),
        None => format!("{}{folder}{file}{hash}", super::REFERENCE_PATH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_pages_use_becomes_markup_and_all_else_is_text() {
        let text = "# A `b`\n\nOne <i>\ntwo.\n\n## C & d\n\n| X | Y |\n| --- | --- |\n| `a\\|b` | [n](../common.md#c-d) |\n\n\
                    - [e](E.md)\n- f[0]\n\n```sh\na <b>\n\n| c\n```\n";
        let rendered = render(text, "ens/");
        assert_eq!(rendered.title, "A `b`");
        let expected = "<p>One &lt;i&gt; two.</p>\n<h2 id=\"c--d\">C &amp; d</h2>\n\
                        <div class=\"wide\" tabindex=\"0\"><table>\n<thead><tr><th>X</th><th>Y</th></tr>\n</thead>\n<tbody>\n\
                        <tr><td data-label=\"X\"><code>a|b</code></td><td data-label=\"Y\"><a href=\"/reference/common#c-d\">n</a></td></tr>\n\
                        </tbody>\n</table></div>\n\
                        <ul>\n<li><a href=\"/reference/ens/E\">e</a></li>\n<li>f[0]</li>\n</ul>\n\
                        <pre tabindex=\"0\"><code>a &lt;b&gt;\n\n| c</code></pre>\n";
        assert_eq!(rendered.body, expected);
    }
}
