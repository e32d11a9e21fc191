//! A document of headings, text, tables, code and pictures, and its two
//! forms: Markdown for a patch thread, and HTML in one file for everybody
//! else. What stands in it is the caller's.

use std::fmt::Write as _;

/// A part of a document.
#[derive(Clone, Debug)]
pub enum Block {
    /// A heading; 1 is the title.
    Heading(u8, String),
    /// A paragraph.
    Text(String),
    /// Points of a list.
    List(Vec<String>),
    /// A first line and more, cells each.
    Table(Vec<String>, Vec<Vec<String>>),
    /// Text as it is.
    Code(String),
    /// SVG. Markdown has no place for it, so it says there what would be seen.
    Picture {
        /// The picture.
        svg: String,
        /// What is seen.
        alt: String,
    },
    /// A link, with its words.
    Link(String, String),
}

/// As Markdown (CommonMark with tables).
pub fn markdown(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        // Writing to a String cannot fail.
        let _: std::fmt::Result = write_markdown(&mut out, block);
    }
    out
}

fn write_markdown(out: &mut String, block: &Block) -> std::fmt::Result {
    match block {
        Block::Heading(level, text) => {
            let marks = "#".repeat(usize::from(*level).clamp(1, 6));
            writeln!(out, "{marks} {}\n", plain(text))
        }
        Block::Text(text) => writeln!(out, "{}\n", plain(text)),
        Block::List(points) => {
            for point in points {
                writeln!(out, "- {}", plain(point))?;
            }
            writeln!(out)
        }
        Block::Table(head, rows) => {
            let line = |cells: &[String]| {
                let cells: Vec<_> =
                    cells.iter().map(|cell| plain(cell).replace('|', "\\|")).collect();
                format!("| {} |", cells.join(" | "))
            };
            writeln!(out, "{}\n|{}", line(head), " --- |".repeat(head.len()))?;
            for row in rows {
                writeln!(out, "{}", line(row))?;
            }
            writeln!(out)
        }
        Block::Code(text) => {
            let fence = fence(text);
            writeln!(out, "{fence}\n{}\n{fence}\n", text.trim_end_matches('\n'))
        }
        Block::Picture { alt, .. } => writeln!(out, "*{}*\n", plain(alt)),
        Block::Link(words, link) => writeln!(out, "{}: `{link}`\n", plain(words)),
    }
}

/// A fence that the text does not contain.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// On one line, with nothing that Markdown would take for a mark or a tag.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '<' | '[') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// As one HTML file, without scripts and without anything from elsewhere.
pub fn html(title: &str, blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        // Writing to a String cannot fail.
        let _: std::fmt::Result = write_html(&mut out, block);
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n\
         <style>{STYLE}</style>\n<main>\n{out}</main>\n</html>\n",
        escape(title)
    )
}

const STYLE: &str = "
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{margin:0;background:light-dark(#fff,#14171c);color:light-dark(#16181d,#e8eaed)}
main{max-width:76rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid light-dark(#d5d9e0,#343a45)}
h3{font-size:1rem}
p,li{max-width:48rem}
.wide{overflow-x:auto}
@media (max-width:40em){th,td{white-space:nowrap}}
table{border-collapse:collapse;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid light-dark(#d5d9e0,#343a45)}
td:first-child,th:first-child{white-space:nowrap}
pre{background:light-dark(#f1f3f6,#1f232b);padding:.75rem;overflow-x:auto;font-size:.8rem;line-height:1.35}
code,pre{font-family:ui-monospace,monospace}
.link code{overflow-wrap:anywhere}
svg{max-width:100%;height:auto;min-width:46rem}
@media print{.wide{overflow:visible}pre{white-space:pre-wrap}}
";

fn write_html(out: &mut String, block: &Block) -> std::fmt::Result {
    match block {
        Block::Heading(level, text) => {
            let level = level.clamp(&1, &6);
            writeln!(out, "<h{level}>{}</h{level}>", escape(text))
        }
        Block::Text(text) => writeln!(out, "<p>{}</p>", escape(text)),
        Block::List(points) => {
            writeln!(out, "<ul>")?;
            for point in points {
                writeln!(out, "<li>{}</li>", escape(point))?;
            }
            writeln!(out, "</ul>")
        }
        Block::Table(head, rows) => {
            let write_row = |out: &mut String, cells: &[String], tag: &str| {
                write!(out, "<tr>")?;
                for cell in cells {
                    write!(out, "<{tag}>{}</{tag}>", escape(cell))?;
                }
                writeln!(out, "</tr>")
            };
            writeln!(out, "<div class=\"wide\"><table><thead>")?;
            write_row(out, head, "th")?;
            writeln!(out, "</thead><tbody>")?;
            for row in rows {
                write_row(out, row, "td")?;
            }
            writeln!(out, "</tbody></table></div>")
        }
        Block::Code(text) => writeln!(out, "<pre>{}</pre>", escape(text)),
        Block::Picture { svg, .. } => writeln!(out, "<div class=\"wide\">{svg}</div>"),
        // A fragment alone leads nowhere from here.
        Block::Link(words, link) if link.starts_with("https://") || link.starts_with("http://") => {
            let (words, link) = (escape(words), escape(link));
            writeln!(
                out,
                "<p class=\"link\"><a href=\"{link}\">{words}</a>: <code>{link}</code></p>"
            )
        }
        Block::Link(words, link) => {
            writeln!(out, "<p class=\"link\">{}: <code>{}</code></p>", escape(words), escape(link))
        }
    }
}

/// Text for XML and HTML, without characters that neither may hold.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_taken_for_markup() {
        let hostile = "a <b> & \"c\" \u{1} *d* | `e`\n# f";
        let blocks = [
            Block::Heading(1, hostile.to_owned()),
            Block::Table(vec![hostile.to_owned()], vec![vec![hostile.to_owned()]]),
            Block::Code("``` <i>".to_owned()),
        ];
        let page = html(hostile, &blocks);
        assert!(!page.contains("<b>") && !page.contains("<i>") && !page.contains('\u{1}'));
        let text = markdown(&blocks);
        assert!(
            text.starts_with("# a \\<b> & \"c\" \u{1} \\*d\\* | \\`e\\` # f\n\n| a "),
            "{text}"
        );
        assert!(text.contains("\\*d\\* \\| \\`e"), "{text}");
        assert!(text.contains("\n````\n``` <i>\n````\n"), "{text}");
    }
}
