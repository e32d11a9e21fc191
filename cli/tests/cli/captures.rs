//! `import` and `export`, and the formats for other tools.

use super::tool::{call, file, printed};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/recordings/6.1/S6-3");

#[test]
fn recording_becomes_a_scenario_that_runs() {
    let said = call(&["import", RECORDING]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.err.contains("inferred: the reaper gave hog up after 10 attempts\n"),
        "{}",
        said.err
    );
    let same = "capture and run kill the same, with as many attempts of the reaper: hog (10), presser (0)\n";
    assert!(said.err.ends_with(same), "{}", said.err);
    let path = file("imported-s6.toml", &said.out);
    let summary = printed(&["run", &path]);
    assert!(summary.contains("extra-victims"), "{summary}");
}

#[test]
fn what_is_no_capture_is_bad_input() {
    let path = file("no-capture.txt", "\nhello\n");
    let said = call(&["import", &path]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(
        said.err.contains("no-capture.txt:2:1: nobody is killed here: expected"),
        "{}",
        said.err
    );
}

/// A log counts no attempts, but names who died; PowerShell writes UTF-16, and a rotated log is packed.
#[test]
fn log_is_laid_beside_its_run_in_whatever_way_it_is_stored() {
    let log = "Out of memory: Killed process 130 (hog) total-vm:112096kB, anon-rss:94844kB\n";
    let wide = |to: fn(u16) -> [u8; 2], mark: [u8; 2]| {
        let units = log.encode_utf16().flat_map(to);
        mark.into_iter().chain(units).collect::<Vec<u8>>()
    };
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, log.as_bytes()).expect("memory");
    let packed = packed.finish().expect("memory");
    // A download that broke off: all but the end is there, and what is missing is said.
    let cut = file("cut.log.gz", "");
    std::fs::write(&cut, &packed[..packed.len() - 7]).expect("written");
    let said = call(&["import", &cut]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("ignored: what followed line 1 of"), "{}", said.err);
    assert!(said.out.contains("the packed file is cut off there"), "{}", said.out);
    std::fs::write(&cut, &packed[..12]).expect("written");
    let said = call(&["import", &cut]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("cut.log.gz: incomplete deflate stream"), "{}", said.err);
    for (name, bytes) in [
        ("plain.log", log.as_bytes().to_vec()),
        ("marked.log", [b"\xef\xbb\xbf", log.as_bytes()].concat()),
        ("little.log", wide(u16::to_le_bytes, [0xff, 0xfe])),
        ("big.log", wide(u16::to_be_bytes, [0xfe, 0xff])),
        ("kern.log.2", packed),
    ] {
        let path = file(name, "");
        std::fs::write(&path, bytes).expect("written");
        let said = call(&["import", &path]);
        assert_eq!(said.code, Some(0), "{name}: {}", said.err);
        let same = "log and run kill the same; attempts of the reaper in the run: hog (0)\n";
        assert!(said.err.ends_with(same), "{name}: {}", said.err);
    }
}

#[test]
fn exported_scenario_is_the_same_with_what_was_chosen() {
    let choices = ["--kernel", "5.3", "--set", "task.hog.oom_score_adj=-500"];
    let text = printed(&[&["export", "gpu-fence-overlap"], &choices[..]].concat());
    assert!(
        text.contains("kernel = \"5.3\"\n") && text.contains("oom_score_adj = -500\n"),
        "{text}"
    );
    let path = file("gpu-fence-overlap-again.toml", &text);
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&printed(args)).expect("JSON")
    };
    let again = json(&["run", &path, "--format", "json"]);
    let first = json(&[&["run", "gpu-fence-overlap", "--format", "json"], &choices[..]].concat());
    assert_eq!(again["digest"], first["digest"]);
    let said = call(&["export", "gpu-fence-overlap", "--kernel", "2.4"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("no kernel \"2.4\": expected one of 4.6, "), "{}", said.err);
}

#[test]
fn formats_for_other_tools_are_printed() {
    let chrome = printed(&["run", "capture-6-1-s7", "--format", "chrome"]);
    let chrome: serde_json::Value = serde_json::from_str(&chrome).expect("JSON");
    assert!(chrome["traceEvents"].as_array().expect("a list").len() > 1000);
    let csv = printed(&["run", "capture-6-1-s7", "--format", "csv"]);
    assert!(csv.starts_with("record,time_ns,cpu,task,pid,event,fields,text\r\n"));
}
