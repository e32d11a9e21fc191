//! Changes of single values in a scenario's text. Only the bytes of the
//! value change; comments, order and spelling of the rest stay.

use std::borrow::Cow;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::super::{fields::quoted, spec::Value, unclosed};

/// Spaces before an item of a list that had none to go by.
const INDENT: &str = "  ";

/// Which way an item of a list goes.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Toward {
    /// Before the one in front of it.
    Front,
    /// Behind the next.
    Back,
}

/// A place that a path leads to.
enum Place<'t> {
    /// Something that is there: its key, if it has one, and its value.
    There(Option<Range<usize>>, &'t Value<'t>),
    /// Nothing, in a table that is there.
    Absent(Parent<'t>),
    /// Nothing, in a table that is absent, too.
    Nowhere,
}

/// A table that could have more.
struct Parent<'t> {
    table: &'t DeTable<'t>,
    /// Of the value; of the document none.
    span: Option<Range<usize>>,
}

/// The text with this literal as the value at `path`. Fails, in words, on
/// a text that is no TOML and on a path that leads nowhere.
pub fn set(text: &str, path: &str, literal: &str) -> Result<String, String> {
    let readable = readable(text)?;
    let document = parse(&readable);
    match find(document.get_ref(), path) {
        Place::There(_, value) => Ok(replaced(text, value.span(), literal)),
        Place::Absent(parent) => Ok(inserted(text, &parent, last(path), literal)),
        Place::Nowhere => match path.rsplit_once('.') {
            // A table comes into being with its first field.
            Some((table, field)) => match find(document.get_ref(), table) {
                Place::Absent(Parent { span, .. })
                    if is_plain(table) && is_header(text, span.as_ref()) =>
                {
                    Ok(appended(text, &format!("[{table}]\n{field} = {literal}\n")))
                }
                Place::Absent(parent) => {
                    let inline = format!("{{ {field} = {literal} }}");
                    Ok(inserted(text, &parent, last(table), &inline))
                }
                _ => Err(format!("there is no place for {path}")),
            },
            None => Err(format!("there is no place for {path}")),
        },
    }
}

/// The text without what is at `path`: a field, a table or an item of a list.
pub fn remove(text: &str, path: &str) -> Result<String, String> {
    let readable = readable(text)?;
    let document = parse(&readable);
    let Place::There(key, value) = find(document.get_ref(), path) else {
        return Ok(text.to_owned());
    };
    let start = key.as_ref().map_or(value.span().start, |key| key.start);
    if on_header(text, start) {
        return Ok(without_section(text, start));
    }
    let mut span = start..value.span().end;
    if is_inline(text, document.get_ref(), path) {
        widen_over_comma(text, &mut span);
        return Ok(replaced(text, span, ""));
    }
    span.start = line_start(text, span.start);
    span.end = line_end(text, span.end);
    Ok(replaced(text, span, ""))
}

/// The text with an item of a list, such as a step of a program, before or behind where it
/// stands: it and its neighbor change places, and what is written around them stays. Fails
/// where there is no neighbor, and for tables with sections of their own, whose order says
/// nothing.
pub fn shift(text: &str, path: &str, toward: Toward) -> Result<String, String> {
    let readable = readable(text)?;
    let document = parse(&readable);
    let nowhere = || format!("{path} has no place to go to");
    let (list, place) = path.rsplit_once('.').ok_or_else(nowhere)?;
    let Place::There(_, value) = find(document.get_ref(), list) else { return Err(nowhere()) };
    let (DeValue::Array(items), Ok(place)) = (value.get_ref(), place.parse::<usize>()) else {
        return Err(nowhere());
    };
    let first = match toward {
        Toward::Front => place.checked_sub(1).ok_or_else(nowhere)?,
        Toward::Back => place,
    };
    let (Some(one), Some(two)) = (items.get(first), items.get(first + 1)) else {
        return Err(nowhere());
    };
    let (one, two) = (one.span(), two.span());
    let piece = |span: &Range<usize>| text.get(span.clone()).unwrap_or_default();
    if on_header(text, one.start) || one.end > two.start {
        return Err(nowhere());
    }
    let between = text.get(one.end..two.start).unwrap_or_default();
    let swapped = format!("{}{between}{}", piece(&two), piece(&one));
    Ok(replaced(text, one.start..two.end, &swapped))
}

/// The text with one more item of the list at `path`, or with the table
/// there: the inline table `item`. A thread comes with the step of its process that starts it.
pub fn add(text: &str, path: &str, item: &str) -> Result<String, String> {
    let longer = added(text, path, item)?;
    let Some(process) = path.strip_suffix(".thread") else { return Ok(longer) };
    let thread = DeValue::parse(item).map_err(|error| error.to_string())?;
    let name = thread.get_ref().get("name").and_then(|name| name.get_ref().as_str());
    let step = format!("{{ thread = {} }}", quoted(name.unwrap_or_default()));
    let program = format!("{process}.program");
    let readable = readable(&longer)?;
    let document = parse(&readable);
    let first = match find(document.get_ref(), &program) {
        Place::There(_, value) => value.get_ref().get(0).map(|first| first.span().start),
        _ => None,
    };
    // Before all that may never end.
    let Some(first) = first else { return added(&longer, &program, &step) };
    let before = longer.get(line_start(&longer, first)..first).unwrap_or_default();
    let gap = if before.trim().is_empty() { format!("\n{before}") } else { " ".to_owned() };
    Ok(replaced(&longer, first..first, &format!("{step},{gap}")))
}

fn added(text: &str, path: &str, item: &str) -> Result<String, String> {
    let readable = readable(text)?;
    let document = parse(&readable);
    let place = find(document.get_ref(), path);
    let is_top = !path.contains('.');
    match place {
        Place::There(_, value) => match value.get_ref() {
            DeValue::Array(items) => {
                let last = items.last().filter(|last| on_header(text, last.span().start));
                match last {
                    Some(_) if is_top => Ok(appended(text, &section(path, item, true))),
                    Some(last) => Ok(behind_section(text, last, item)),
                    None => Ok(with_item(text, items, &value.span(), item)),
                }
            }
            _ => Err(format!("{path} is no list")),
        },
        Place::Absent(_) if is_top && is_list(path) => {
            Ok(appended(text, &section(path, item, true)))
        }
        Place::Absent(Parent { span, .. })
            if is_plain(path) && is_header(text, span.as_ref()) && !is_array(path) =>
        {
            Ok(appended(text, &section(path, item, false)))
        }
        Place::Absent(parent) => {
            let literal =
                if is_array(path) { format!("[\n{INDENT}{item},\n]") } else { item.to_owned() };
            Ok(inserted(text, &parent, last(path), &literal))
        }
        Place::Nowhere => Err(format!("there is no place for {path}")),
    }
}

/// Whether a table can have a section of its own wherever that stands: it is
/// in no item of a list.
fn is_plain(path: &str) -> bool {
    path.split('.').next() == Some("machine")
}

/// Lists of tables at the top of the file.
fn is_list(name: &str) -> bool {
    !matches!(name, "machine")
}

/// Whether a path names a list and no table.
fn is_array(path: &str) -> bool {
    !matches!(
        last(path),
        "machine" | "swap" | "disk" | "cost" | "worker" | "limit" | "oom_score_adj"
    )
}

/// A table as a section of its own, from an inline table of simple fields.
fn section(path: &str, item: &str, is_item: bool) -> String {
    let (open, close) = if is_item { ("[[", "]]") } else { ("[", "]") };
    let mut section = format!("{open}{path}{close}\n");
    if let Ok(value) = DeValue::parse(item)
        && let DeValue::Table(table) = value.get_ref()
    {
        let mut fields: Vec<_> = table.iter().collect();
        fields.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in fields {
            section.push_str(key.get_ref());
            section.push_str(" = ");
            section.push_str(item.get(value.span()).unwrap_or_default());
            section.push('\n');
        }
    }
    section
}

/// Lines that are passed over: more are no slip of the hand.
const PASSED_MAX: usize = 4;

/// The text with blanks where a parser that goes on over mistakes would lose all that is behind;
/// bytes stay where they are. A value whose bracket is left open is one of those, up to where the next
/// table or key shows that its end is missing. Fails, in words, where there is too much of that.
pub(super) fn readable(text: &str) -> Result<Cow<'_, str>, String> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..=PASSED_MAX {
        let (_, errors) = DeTable::parse_recoverable(&text);
        let places = places(&errors);
        let open = places.iter().find_map(|place| open_value(&text, *place));
        let word = || places.iter().find_map(|place| lone_word(&text, *place));
        let Some(passed) = open.or_else(word) else { return Ok(text) };
        text.to_mut().replace_range(passed.clone(), &" ".repeat(passed.len()));
    }
    Err("too much of the text is no TOML".to_owned())
}

/// The first bracket of a text that is left open.
pub(super) fn open_bracket(text: &str) -> Option<usize> {
    let (_, errors) = DeTable::parse_recoverable(text);
    let brackets = places(&errors).into_iter();
    brackets.filter_map(|place| unclosed::bracket(text, place)).map(|open| open.start).min()
}

/// A key and its value whose bracket is open where a parser complains at `place`: whole lines, without
/// the last line's end.
fn open_value(text: &str, place: usize) -> Option<Range<usize>> {
    unclosed::bracket(text, place)?;
    let next = line_start(text, place);
    let outermost = unclosed::open_brackets(text.get(..next)?).first()?.0;
    Some(line_start(text, outermost)..next - 1)
}

/// What a readable text says, as far as it is TOML.
pub(super) fn parse(readable: &str) -> toml::Spanned<DeTable<'_>> {
    DeTable::parse_recoverable(readable).0
}

fn places(errors: &[toml::de::Error]) -> Vec<usize> {
    errors.iter().filter_map(toml::de::Error::span).map(|span| span.start).collect()
}

/// The line of a complaint, or the one above, if a word stands there that has no value yet.
fn lone_word(text: &str, place: usize) -> Option<Range<usize>> {
    let here = line_start(text, place);
    [here, line_start(text, here.saturating_sub(1))].into_iter().find_map(|start| {
        let line = text.get(start..line_end(text, start))?.trim_end();
        let is_word = !line.trim().is_empty() && !line.contains('=');
        let is_other = line.trim_start().starts_with(['[', '#']);
        (is_word && !is_other && unclosed::open_brackets(&text[..start]).is_empty())
            .then(|| start..start + line.len())
    })
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn find<'t>(document: &'t DeTable<'t>, path: &str) -> Place<'t> {
    let mut steps = path.split('.').peekable();
    let mut parent = Parent { table: document, span: None };
    while let Some(step) = steps.next() {
        let Some((key, value)) = parent.table.get_key_value(step) else {
            return if steps.peek().is_some() { Place::Nowhere } else { Place::Absent(parent) };
        };
        let (mut key, mut value) = (Some(key.span()), value);
        while let (DeValue::Array(items), Some(index)) = (value.get_ref(), steps.peek()) {
            let is_named = |item: &&Value<'_>| match item.get_ref() {
                DeValue::Table(table) => {
                    table.get("name").is_some_and(|name| name.get_ref().as_str() == Some(index))
                }
                _ => false,
            };
            let by_place = || index.parse::<usize>().ok().and_then(|index| items.get(index));
            let Some(item) = items.iter().find(is_named).or_else(by_place) else {
                return Place::Nowhere;
            };
            steps.next();
            (key, value) = (None, item);
        }
        if steps.peek().is_none() {
            return Place::There(key, value);
        }
        let DeValue::Table(table) = value.get_ref() else {
            return Place::Nowhere;
        };
        parent = Parent { table, span: Some(value.span()) };
    }
    Place::Nowhere
}

fn replaced(text: &str, span: Range<usize>, with: &str) -> String {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    format!("{before}{with}{after}")
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Behind the line's newline.
fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// Whether a byte is on the line of a `[header]`.
fn on_header(text: &str, at: usize) -> bool {
    let start = line_start(text, at);
    let line = text.get(start..line_end(text, at)).unwrap_or_default();
    let before = text.get(start..at).unwrap_or_default();
    line.trim_start().starts_with('[')
        && !before.contains(['=', '{', ','])
        && line.trim_end().contains(']')
}

/// Whether a table has a section of its own; the document has.
fn is_header(text: &str, span: Option<&Range<usize>>) -> bool {
    span.is_none_or(|span| on_header(text, span.start) && !is_brace(text, span))
}

fn is_brace(text: &str, span: &Range<usize>) -> bool {
    text.get(span.clone()).is_some_and(|text| text.starts_with('{'))
}

/// Whether what is at `path` stands between braces or brackets, with commas.
fn is_inline(text: &str, document: &DeTable<'_>, path: &str) -> bool {
    let Some((parent, _)) = path.rsplit_once('.') else {
        return false;
    };
    match find(document, parent) {
        Place::There(_, value) => match value.get_ref() {
            DeValue::Array(_) => true,
            _ => is_brace(text, &value.span()),
        },
        _ => false,
    }
}

/// Takes one of the commas beside an item along, and the blanks there.
fn widen_over_comma(text: &str, span: &mut Range<usize>) {
    let rest = text.get(span.end..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start().len();
    if rest.trim_start().starts_with(',') {
        span.end += blanks + 1;
        let line = text.get(line_start(text, span.start)..span.start).unwrap_or_default();
        let after = text.get(span.end..line_end(text, span.end)).unwrap_or_default();
        if line.trim().is_empty() && after.trim().is_empty() {
            // It had the line for itself.
            span.start = line_start(text, span.start);
            span.end = line_end(text, span.end);
        } else {
            span.end += after.len() - after.trim_start_matches(' ').len();
        }
        return;
    }
    let before = text.get(..span.start).unwrap_or_default().trim_end();
    if before.ends_with(',') {
        span.start = before.len() - 1;
    }
}

/// Takes a `[section]` out, with those within it.
fn without_section(text: &str, at: usize) -> String {
    let start = line_start(text, at);
    let header = text.get(start..line_end(text, at)).unwrap_or_default();
    let name = header.trim().trim_start_matches('[').split(']').next().unwrap_or_default();
    let within = |line: &str| {
        let inner = line.trim_start().trim_start_matches('[');
        inner.starts_with(&format!("{name}."))
    };
    let mut end = line_end(text, at);
    while end < text.len() {
        let next = line_end(text, end);
        let line = text.get(end..next).unwrap_or_default();
        // A line of an array may begin with a bracket, but is indented.
        if line.starts_with('[') && !within(line) {
            break;
        }
        end = next;
    }
    replaced(text, start..end, "")
}

/// With one more section behind that of `last`, under the same header.
fn behind_section(text: &str, last: &Value<'_>, item: &str) -> String {
    let start = line_start(text, last.span().start);
    let header = text.get(start..line_end(text, start)).unwrap_or_default().trim_start();
    let name = header.trim_start_matches('[').split(']').next().unwrap_or_default();
    let ends = last.get_ref().as_table().map(|table| table.values().map(|it| it.span().end));
    let end = ends.and_then(Iterator::max).unwrap_or(start);
    let at = line_end(text, end);
    replaced(text, at..at, &format!("\n{}", section(name, item, true)))
}

fn appended(text: &str, section: &str) -> String {
    let gap = if text.is_empty() || text.ends_with("\n\n") {
        ""
    } else if text.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    format!("{text}{gap}{section}")
}

/// With a new field of a table that is there.
fn inserted(text: &str, parent: &Parent<'_>, name: &str, literal: &str) -> String {
    if let Some(span) = parent.span.as_ref().filter(|span| is_brace(text, span)) {
        let ends = parent.table.values().map(|value| value.span().end);
        return match ends.max() {
            Some(end) => replaced(text, end..end, &format!(", {name} = {literal}")),
            None => replaced(text, span.clone(), &format!("{{ {name} = {literal} }}")),
        };
    }
    // Behind the last field that is on lines of its own.
    let own = parent.table.iter().filter(|(key, _)| !on_header(text, key.span().start));
    let ends = own.map(|(_, value)| value.span().end).max();
    let at = match (ends, &parent.span) {
        (Some(end), _) => line_end(text, end),
        (None, Some(span)) => line_end(text, span.start),
        (None, None) => 0,
    };
    let line = format!("{name} = {literal}\n");
    // The last line may have no end.
    let gap = if at > 0 && !text.get(..at).unwrap_or_default().ends_with('\n') { "\n" } else { "" };
    replaced(text, at..at, &format!("{gap}{line}"))
}

/// With one more item behind the last one of a list between brackets.
fn with_item(text: &str, items: &[Value<'_>], span: &Range<usize>, item: &str) -> String {
    let Some(last) = items.last().map(toml::Spanned::span) else {
        return replaced(text, span.clone(), &format!("[\n{INDENT}{item},\n]"));
    };
    let start = line_start(text, last.start);
    let before = text.get(start..last.start).unwrap_or_default();
    let rest = text.get(last.end..span.end).unwrap_or_default();
    let comma = rest.trim_start().starts_with(',');
    if before.trim().is_empty() {
        // One item a line; what stands behind the last one on its line stays there.
        let at = line_end(text, last.end);
        let with_comma =
            if comma { text.to_owned() } else { replaced(text, last.end..last.end, ",") };
        let at = if comma { at } else { at + 1 };
        return replaced(&with_comma, at..at, &format!("{before}{item},\n"));
    }
    replaced(text, last.end..last.end, &format!(", {item}"))
}
