//! Links in files: a run saved as JSON says how it is run again.
//!
//! Leaves out the run itself, which is made anew and whose digest is compared.

use serde::Deserialize;

/// What of a saved run is read; the rest is passed over.
#[derive(Deserialize)]
struct Saved {
    link: Option<String>,
    #[serde(rename = "otherData")]
    other_data: Option<OtherData>,
}

#[derive(Deserialize)]
struct OtherData {
    link: Option<String>,
}

/// The link in a run saved as JSON: `otherData.link` of trace events, `link` of
/// `run --format json`. `None` where the text is no such file; what is wrong
/// with the link is for [`decode`](super::decode) to say.
pub fn saved_link(text: &str) -> Option<String> {
    let saved: Saved = serde_json::from_str(text).ok()?;
    let link = saved.other_data.and_then(|other| other.link).or(saved.link)?;
    link.starts_with("#/v").then_some(link)
}

#[cfg(test)]
mod tests {
    use super::saved_link;

    #[test]
    fn link_is_found_in_saved_runs_alone() {
        let link = Some("#/v1/run?scenario=a".to_owned());
        let events = r##"{"otherData":{"seed":"1","link":"#/v1/run?scenario=a"},"traceEvents":[{"ph":"M"}]}"##;
        assert_eq!(saved_link(events), link);
        assert_eq!(saved_link(r##"{"digest":"0","link":"#/v1/run?scenario=a"}"##), link);
        for other in [
            "",
            "{}",
            "[1]",
            r#"{"MESSAGE":"Out of memory: Killed process 7 (a)"}"#,
            r#"{"link":"https://example.org/"}"#,
            r##"{"link":"#/v1/run?scenario=a"} {"##,
        ] {
            assert_eq!(saved_link(other), None, "{other}");
        }
    }
}
