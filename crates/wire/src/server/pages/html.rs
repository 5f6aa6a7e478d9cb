//! Writing HTML, with everything that is not markup escaped.

use std::borrow::Cow;

/// Text as it may stand between tags and in quoted attributes.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// A sentence of the catalogue: escaped, and what stands in backquotes set as code.
pub(super) fn prose(text: &str) -> String {
    let mut parts = text.split('`');
    let mut html = escape(parts.next().unwrap_or_default()).into_owned();
    let mut code = true;
    for part in parts {
        html.push_str(if code { "<code>" } else { "</code>" });
        html.push_str(&escape(part));
        code = !code;
    }
    if !code {
        html.push_str("</code>");
    }
    html
}

/// A whole document; `body` is markup already.
pub(super) fn document(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} &#8211; Ravelin</title>\n\
         <link rel=\"stylesheet\" href=\"{style}\">\n\
         </head>\n\
         <body>\n\
         <header><nav aria-label=\"Pages\"><a href=\"/\">Ravelin</a> <a href=\"/reference/\">Reference</a> <a href=\"/errors\">Error codes</a> \
         <a href=\"/release-notes\">Release notes</a></nav></header>\n\
         <main>\n<h1>{title}</h1>\n{body}</main>\n\
         </body>\n\
         </html>\n",
        style = super::STYLE_PATH,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_code_is_set() {
        assert_eq!(prose("Use `a<b>` & \"c\"."), "Use <code>a&lt;b&gt;</code> &amp; &quot;c&quot;.");
        assert_eq!(prose("an `open end"), "an <code>open end</code>");
        assert_eq!(escape("it's"), "it&#39;s");
    }
}
