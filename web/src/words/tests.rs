use super::catalogue::{Catalogue, Entry, entries};
use super::plural::form;
use super::pseudo::{Pseudo, dressed};
use super::{CATALOGUES, SPOKEN, Spoken, chosen, say};

mod sources;

const SAMPLE: &str = r#"
# A header, continued lines, a plural with three forms, and what must not be used.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\n"

#: web/src/panels/why.rs
msgid "event {at} of {count}"
msgstr ""
"{count} gibt es, "
"dies ist {at}"

msgid "1 report"
msgid_plural "{n} reports"
msgstr[0] "{n} otchet"
msgstr[1] "{n} otcheta"
msgstr[2] "{n} otchetov"

#, fuzzy
msgid "Next"
msgstr "Vorher"

msgctxt "of a book"
msgid "Page"
msgstr "Blatt"

msgid "Lane: {name}"
msgstr "Spur: {nam}"

msgid "Share"
msgstr ""

msgid "a \"word\"\n"
msgstr "ein \"Wort\"\n"

#~ msgid "Old"
#~ msgstr "Alt"
"#;

fn speak_sample() {
    let catalogue: &Catalogue = Box::leak(Box::new(Catalogue::read(SAMPLE)));
    SPOKEN.set(Some(Spoken::Catalogue(catalogue)));
}

fn reports(n: usize) -> String {
    tn!(n, "1 report", "{n} reports", n = n)
}

#[test]
fn without_a_language_the_key_is_what_is_said() {
    assert_eq!(t!("Share"), "Share");
    assert_eq!(t!("event {at} of {count}", count = 10, at = "5"), "event 5 of 10");
    assert_eq!([reports(0), reports(1), reports(2)], ["0 reports", "1 report", "2 reports"]);
}

#[test]
fn a_catalogue_orders_values_as_it_likes_and_has_its_own_plurals() {
    speak_sample();
    assert_eq!(t!("event {at} of {count}", at = 5, count = 10), "10 gibt es, dies ist 5");
    let told = [1, 2, 5, 11, 21, 22, 25].map(reports);
    let expected = [
        "1 otchet",
        "2 otcheta",
        "5 otchetov",
        "11 otchetov",
        "21 otchet",
        "22 otcheta",
        "25 otchetov",
    ];
    assert_eq!(told, expected);
    assert_eq!(say("a \"word\"\n"), "ein \"Wort\"\n");
}

#[test]
fn what_a_catalogue_lacks_or_has_wrong_is_said_in_english() {
    speak_sample();
    assert_eq!(say("Not in it"), "Not in it");
    assert_eq!(say("Next"), "Next", "fuzzy");
    assert_eq!(say("Page"), "Page", "under a context");
    assert_eq!(say("Share"), "Share", "not yet translated");
    assert_eq!(say("Old"), "Old", "obsolete");
    assert_eq!(t!("Lane: {name}", name = "cp"), "Lane: cp", "names another placeholder");
}

#[test]
fn the_pseudo_language_is_longer_and_keeps_placeholders() {
    assert_eq!(dressed("Lane: {name}, "), "[Ļåñé: {name},···] ");
    assert_eq!(dressed(" "), " ");
    let long = dressed("Nobody waits for it now.");
    assert!(long.chars().count() * 10 >= "Nobody waits for it now.".len() * 14, "{long}");
    SPOKEN.set(Some(Spoken::Pseudo(Box::leak(Box::<Pseudo>::default()))));
    assert_eq!(t!("Lane: {name}", name = "cp"), "[Ļåñé: \u{2068}cp\u{2069}···]");
    assert_eq!(reports(2), "[\u{2068}2\u{2069} ŕéþöŕţš····]");
}

#[test]
fn rules_of_plurals_are_read_as_c_reads_them() {
    let rule = |rule: &str, n: u64| form(&format!("nplurals=6; plural={rule};"), n);
    assert_eq!(rule("n != 1", 1), 0);
    assert_eq!(rule("n != 1", 0), 1);
    assert_eq!(rule("(n > 1)", 2), 1);
    assert_eq!(rule("n==1 ? 0 : n==2 ? 1 : 2", 2), 1, "binds to the right");
    assert_eq!(rule("n - 1 - 1", 5), 3, "binds to the left");
    assert_eq!(rule("!n", 0), 1);
    assert_eq!(rule("1 + n * 2 % 3", 2), 2, "products first");
    for broken in ["", "n %", "n % 0", "n - 9", "(n", "m", "n n", &"(".repeat(10_000)] {
        assert_eq!(rule(broken, 3), 0, "{broken}");
    }
    assert_eq!(form("", 3), 0);
}

#[test]
fn damaged_catalogues_are_read_as_far_as_they_go() {
    for end in (0..SAMPLE.len()).filter(|end| SAMPLE.is_char_boundary(*end)) {
        let catalogue = Catalogue::read(&SAMPLE[..end]);
        assert!(catalogue.say("Old").is_none());
    }
    assert_eq!(
        entries("msgstr \"x\"\n\"y\nmsgid\n\"\\"),
        [Entry { texts: vec!["xy".into()], ..Entry::default() }]
    );
}

#[test]
fn the_query_chooses_then_the_reader() {
    let readers = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>();
    assert_eq!(chosen("?lang=en-XA", &readers(&["de"])), Some("en-XA"));
    assert_eq!(chosen("?a=b&lang=en-xa", &[]), Some("en-XA"));
    assert_eq!(chosen("", &readers(&["en-GB", "xx"])), None);
    assert_eq!(chosen("", &readers(&["en-XA"])), None, "nobody reads it");
    assert_eq!(chosen("?lang=xx", &[]), None);
}

#[test]
fn every_catalogue_is_sound() {
    for (tag, text) in CATALOGUES {
        let all = entries(text);
        let is_header = |entry: &&Entry| entry.id.is_empty();
        assert!(all.iter().any(|entry| is_header(&entry)), "{tag}: no header");
        for entry in all.iter().filter(|entry| !is_header(entry)) {
            let is_empty = entry.texts.iter().all(String::is_empty);
            assert!(is_empty || entry.is_sound(), "{tag}: {}", entry.id);
        }
    }
}
