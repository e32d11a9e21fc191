//! One style sheet of several: a browser asks a host for few files at once, and the program should
//! not wait behind sheets. In their sources they stay apart. Leaves out what they say.

use std::fs;
use std::path::Path;

use crate::offline;

/// How a style sheet is named in the page.
pub(crate) const STYLESHEET: &str = "<link rel=\"stylesheet\"";

/// Puts one sheet in the place of all that the page names, in their order.
pub(crate) fn join(dist: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let page = dist.join("index.html");
    let text = fs::read_to_string(&page).map_err(failed)?;
    let mut style = String::new();
    let mut left = String::new();
    let mut parts = text.split(STYLESHEET);
    left.push_str(parts.next().unwrap_or_default());
    let mut place = None;
    for part in parts {
        let (link, after) = part.split_once('>').ok_or("a link in the page has no end")?;
        let name = link.split("href=\"").nth(1).and_then(|it| it.split('"').next());
        let name = name.ok_or("a style sheet has no name")?.trim_start_matches("./");
        style += &fs::read_to_string(dist.join(name)).map_err(failed)?;
        fs::remove_file(dist.join(name)).map_err(failed)?;
        place.get_or_insert(left.len());
        left.push_str(after.trim_start());
    }
    let place = place.ok_or("the page has no style sheet")?;
    let name = format!("style-{}.css", offline::version(style.as_bytes()));
    left.insert_str(place, &format!("{STYLESHEET} href=\"./{name}\"/>\n    "));
    fs::write(dist.join(name), style).map_err(failed)?;
    fs::write(&page, left).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_become_one_in_their_order() {
        let folder = std::env::temp_dir().join(format!("xtask-styles-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("writable");
        write("b.css", "b{}");
        write("a.css", "a{}");
        let link = |name: &str| format!("{STYLESHEET} href=\"./{name}\"/>");
        write(
            "index.html",
            &format!("<title>x</title>{}\n  {}<body>", link("b.css"), link("a.css")),
        );
        join(&folder).expect("it is all there");
        let page = fs::read_to_string(folder.join("index.html")).expect("readable");
        assert_eq!(page.matches(STYLESHEET).count(), 1, "{page}");
        let name = page.split("./").nth(1).and_then(|it| it.split('"').next()).expect("a name");
        assert_eq!(fs::read_to_string(folder.join(name)).expect("readable"), "b{}a{}");
        assert!(page.starts_with("<title>x</title><link") && page.ends_with("<body>"), "{page}");
        assert!(!folder.join("a.css").exists() && !folder.join("b.css").exists());
        fs::remove_dir_all(folder).expect("removable");
    }
}
