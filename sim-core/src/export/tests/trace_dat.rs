//! The binary file, read back by a reader of its own: what stands in it is
//! what the text says. How others read it is tested with trace-cmd.

use std::collections::BTreeMap;

use super::by_hand;
use crate::export::{ftrace, trace_dat};
use crate::import::{TraceLine, parse_ftrace};
use crate::record::Run;
use crate::scenario::{RunOptions, Simulation, gallery, parse};

/// Takes bytes from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn number(&mut self, size: usize) -> u64 {
        number(self.take(size))
    }

    /// A text behind its length of 8 bytes.
    fn sized(&mut self) -> &'a str {
        let length = usize::try_from(self.number(8)).expect("a length");
        std::str::from_utf8(self.take(length)).expect("UTF-8")
    }

    /// A text up to its zero.
    fn string(&mut self) -> &'a str {
        let end = self.0.iter().position(|byte| *byte == 0).expect("a zero");
        std::str::from_utf8(&self.take(end + 1)[..end]).expect("UTF-8")
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A field as a format file declares it.
struct Field {
    declared: String,
    offset: usize,
    size: usize,
}

struct Format {
    name: String,
    fields: Vec<Field>,
}

fn format(text: &str) -> (u64, Format) {
    let after = |line: &str, key: &str| {
        let (_, rest) = line.split_once(key).expect(key);
        rest.split(';').next().expect("a value").to_owned()
    };
    let field = |line: &str| Field {
        declared: after(line, "field:"),
        offset: after(line, "offset:").parse().expect("a number"),
        size: after(line, "size:").parse().expect("a number"),
    };
    let name = text.lines().next().and_then(|line| line.strip_prefix("name: ")).expect("a name");
    let id = text.lines().nth(1).and_then(|line| line.strip_prefix("ID: ")).expect("an id");
    assert_eq!(text.lines().last().map(|line| line.starts_with("print fmt: \"")), Some(true));
    let fields = text.lines().filter(|line| line.starts_with('\t')).map(field).collect();
    (id.parse().expect("a number"), Format { name: name.to_owned(), fields })
}

/// An event and its time in ns.
type Event<'a> = (u64, &'a [u8]);

/// The events of a CPU's pages.
fn events(pages: &[u8]) -> Vec<Event<'_>> {
    let mut events = Vec::new();
    for page in pages.chunks(4096) {
        let mut header = Reader(page);
        let (mut at, commit) = (header.number(8), header.number(8));
        let mut data = Reader(header.take(usize::try_from(commit).expect("at most a page")));
        while !data.0.is_empty() {
            let word = data.number(4);
            at += word >> 5;
            match word & 31 {
                30 => at += data.number(4) << 27,
                0 => {
                    let length = usize::try_from(data.number(4)).expect("short") - 4;
                    events.push((at, data.take(length)));
                }
                words => events.push((at, data.take(usize::try_from(words).expect("few") * 4))),
            }
        }
    }
    events
}

/// Formats by id, and the events of each CPU.
fn read(file: &[u8]) -> (BTreeMap<u64, Format>, Vec<Vec<Event<'_>>>) {
    let mut reader = Reader(file);
    assert_eq!(reader.take(10), b"\x17\x08\x44tracing");
    assert_eq!(reader.string(), "6");
    assert_eq!((reader.take(2), reader.number(4)), (&[0, 8][..], 4096));
    assert_eq!(reader.string(), "header_page");
    assert!(reader.sized().contains("commit;\toffset:8;\tsize:8;"));
    assert_eq!(reader.string(), "header_event");
    assert!(reader.sized().contains("time_extend : type == 30"));
    assert_eq!(reader.number(4), 0);
    let mut formats = BTreeMap::new();
    for _ in 0..reader.number(4) {
        let system = reader.string();
        for _ in 0..reader.number(4) {
            let (id, format) = format(reader.sized());
            assert_eq!(system == "sim", format.name.starts_with("sim_"), "{}", format.name);
            formats.insert(id, format);
        }
    }
    assert_eq!((reader.number(4), reader.number(4)), (0, 0));
    assert!(reader.sized().lines().all(|line| line.split_once(' ').is_some()));
    let cpus = reader.number(4);
    assert_eq!(reader.string(), "options  ");
    while reader.number(2) != 0 {
        let length = usize::try_from(reader.number(4)).expect("a length");
        reader.take(length);
    }
    assert_eq!(reader.string(), "flyrecord");
    let mut end = 0;
    let cpus = (0..cpus).map(|_| {
        let [offset, size] = [reader.number(8), reader.number(8)];
        let [offset, size] = [offset, size].map(|it| usize::try_from(it).expect("in the file"));
        assert_eq!((offset % 4096, size % 4096), (0, 0));
        end = offset + size;
        events(&file[offset..end])
    });
    let cpus = cpus.collect();
    assert_eq!(end, file.len());
    (formats, cpus)
}

/// What a field holds, as text prints it.
fn shown(field: &Field, event: &[u8]) -> String {
    let bytes = &event[field.offset..field.offset + field.size];
    let string = |bytes: &[u8]| {
        let own: Vec<u8> = bytes.iter().copied().take_while(|byte| *byte != 0).collect();
        String::from_utf8(own).expect("UTF-8")
    };
    if field.declared.starts_with("__data_loc") {
        let location = usize::try_from(number(bytes)).expect("short");
        return string(&event[location & 0xffff..(location & 0xffff) + (location >> 16)]);
    }
    if field.declared.contains('[') {
        return string(bytes);
    }
    let unused = 64 - 8 * u32::try_from(bytes.len()).expect("short");
    (number(bytes).cast_signed() << unused >> unused).to_string()
}

/// Whether an event's fields are what the line says, as far as it names them so; how many it does.
fn agree(format: &Format, event: &[u8], line: &TraceLine<'_>) -> usize {
    let mut count = 0;
    for field in format.fields.iter().skip(4) {
        let (_, name) = field.declared.rsplit_once(' ').expect("type and name");
        let name = name.split('[').next().unwrap_or(name);
        let value = shown(field, event);
        if line.own().is_some() && name == "text" {
            assert_eq!(value, line.args, "{line:?}");
            count += 1;
        } else if let Some(text) = line.field(name)
            && (field.declared.contains('[') || line.number(name).is_some())
            && !text.starts_with("0x")
        {
            let text = text.trim_end_matches("kB").trim_end_matches('B');
            let text = if name == "target_cpu" { text.trim_start_matches('0') } else { text };
            assert_eq!(value.trim_start_matches('0'), text.trim_start_matches('0'), "{line:?}");
            count += 1;
        }
    }
    count
}

/// The file against the text of the same run; how many fields were compared.
fn compare(run: &Run) -> usize {
    let (file, text) = (trace_dat(run), ftrace(run));
    assert_eq!(file, trace_dat(run));
    let text = parse_ftrace(&text).expect("a trace");
    let (formats, cpus) = read(&file);
    assert_eq!(cpus.iter().map(Vec::len).sum::<usize>(), text.lines.len());
    let mut fields = 0;
    for (cpu, events) in cpus.iter().enumerate() {
        let lines = text.lines.iter().filter(|line| line.cpu as usize == cpu);
        for ((at, event), line) in events.iter().zip(lines) {
            let format = &formats[&number(&event[..2])];
            assert_eq!(format.name, line.name.replace("sim:", "sim_"));
            assert_eq!(i64::try_from((at + 500) / 1000), Ok(line.time_us), "{line:?}");
            assert_eq!(number(&event[4..8]), u64::from(line.pid), "{line:?}");
            fields += agree(format, event, line);
        }
    }
    fields
}

#[test]
fn file_says_what_the_text_says() {
    for kernel in ["4.6", "6.1"] {
        assert!(compare(&by_hand::run(kernel)) > 40, "{kernel}");
    }
    for id in ["gpu-fence-overlap", "capture-6-1-s6-smp"] {
        let text = gallery::find(id).expect("in the gallery").text;
        let scenario = parse(id, text, &[]).expect("checked");
        let run = Simulation::new(&scenario, &RunOptions::default()).expect("known ids").run();
        assert!(compare(&run) > 1000, "{id}");
    }
}

#[test]
fn pages_hold_events_of_every_length_and_distance() {
    let mut pages = super::super::trace_dat::Pages::default();
    let mut added: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut at = 5;
    for length in [8, 9, 112, 113, 116, 4000, 12].into_iter().cycle().take(50) {
        let number = u8::try_from(added.len()).expect("few");
        at += [0, 1, (1 << 27) - 1, 1 << 27, 1 << 40][usize::from(number) % 5];
        let event = vec![number; length];
        pages.add(at, &event);
        added.push((at, event));
    }
    let bytes = pages.finish();
    let read = events(&bytes);
    assert_eq!(read.len(), added.len());
    for ((at, event), (at_added, added)) in read.iter().zip(&added) {
        assert_eq!(at, at_added);
        assert_eq!(&event[..added.len()], added);
        assert!(event.len() - added.len() < 4);
    }
}
