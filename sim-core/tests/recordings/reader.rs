//! The reader on the recordings alone.

use super::files::Recording;

#[test]
fn dump() {
    for r in super::files::ALL {
        let text = r.trace();
        let t = sim_core::import::parse_ftrace(&text).unwrap();
        let log = sim_core::import::parse_dmesg(r.dmesg);
        println!(
            "{} lines {} unread {} {:?} log {} unread {} offset {:?}",
            r.id,
            t.lines.len(),
            t.unread,
            t.unread_shown,
            log.lines.len(),
            log.unread,
            sim_core::import::clock_offset(&t.lines, &log.lines)
        );
        println!("{:#?}", r.story());
    }
}
