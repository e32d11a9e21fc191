//! The page as one HTML file, which opens from a disk, without a host and without a network.
//!
//! Everything is inline: style, scripts, and the program, compressed. The content policy names
//! what is inline by its hash and allows nothing else. Leaves out what only a host can give: the
//! parting of the program, and keeping the page for later.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use crate::styles::STYLESHEET;

/// Makes the file of a folder that Trunk built.
pub(crate) fn write(dist: &Path, out: &Path) -> Result<PathBuf, String> {
    let failed = |error: std::io::Error| error.to_string();
    let read = |name: &str| fs::read_to_string(dist.join(name)).map_err(failed);
    let page = read("index.html")?;
    let (_, sheet) = page.split_once(STYLESHEET).ok_or("the page has no style sheet")?;
    let style = read(&attribute(sheet, "href=")?)?;
    let glue = read(&attribute(&page, "data-js=")?)?;
    let wasm = fs::read(dist.join(attribute(&page, "data-wasm=")?)).map_err(failed)?;
    let parts = Parts {
        glue: glue.replace("import.meta.url", "location.href"),
        rest: read("rest.js")?,
        worker: read("worker.js")?,
        boot: read("boot.js")?,
        wasm: STANDARD.encode(gzip(&wasm).map_err(failed)?),
    };
    let text = assemble(&page, &style, &parts)?;
    let folder = out.parent().unwrap_or(out);
    fs::create_dir_all(folder).map_err(failed)?;
    fs::write(out, text).map_err(failed)?;
    Ok(out.to_path_buf())
}

/// What becomes one script.
struct Parts {
    glue: String,
    rest: String,
    worker: String,
    boot: String,
    wasm: String,
}

impl Parts {
    /// Scripts become functions, so that the worker can be made of the same text.
    fn script(&self) -> Result<String, String> {
        let Self { glue, rest, worker, boot, wasm } = self;
        let (glue, exported) = glue
            .rsplit_once("export {")
            .ok_or("wasm-bindgen's module does not end on what it exports")?;
        let start = exported
            .split_once(" as default")
            .and_then(|(before, _)| before.rsplit([' ', '{', ',']).next())
            .ok_or("wasm-bindgen's module has no default")?;
        let text = format!(
            "\"use strict\";\n\
             const glue = () => {{\n{glue}\nreturn {{ default: {start} }};\n}};\n\
             const rest = () => {{\n{rest}\n}};\n\
             const worker = () => {{\n{worker}\n}};\n\
             globalThis.inlined = {{\n\
             glue,\n\
             async wasm() {{\n\
             const packed = Uint8Array.from(atob(\"{wasm}\"), (letter) => letter.charCodeAt(0));\n\
             const plain = new Blob([packed]).stream()\
             .pipeThrough(new DecompressionStream(\"gzip\"));\n\
             return new Response(plain).arrayBuffer();\n\
             }},\n\
             worker() {{\n\
             const text = `(${{rest}})(); globalThis.inlined = {{ glue: ${{glue}} }}; (${{worker}})();`;\n\
             return URL.createObjectURL(new Blob([text], {{ type: \"text/javascript\" }}));\n\
             }},\n\
             }};\n\
             rest();\n\
             {boot}"
        );
        if text.to_ascii_lowercase().contains("</script") {
            return Err("a script contains the end of scripts".to_owned());
        }
        Ok(text)
    }
}

fn assemble(page: &str, style: &str, parts: &Parts) -> Result<String, String> {
    if style.contains("url(") {
        return Err("the style names another file".to_owned());
    }
    let script = parts.script()?;
    let policy = format!(
        "default-src 'none'; script-src '{}' 'wasm-unsafe-eval'; style-src '{}'; \
         img-src data: blob:; worker-src blob:; base-uri 'self'; form-action 'none'",
        hash(&script),
        hash(style),
    );
    let mut text = String::new();
    let (before, after) = cut(page, "content=\"default-src", "\"")?;
    text.push_str(before);
    text.extend(["content=\"", &policy, "\""]);
    let (before, after) = cut(after, STYLESHEET, ">")?;
    text.push_str(before);
    text.extend(["<style>", style, "</style>"]);
    let after = &without(after, &["<link rel=\"preload\"", "<link rel=\"modulepreload\""])?;
    let (before, after) = cut(after, "<script", "</script>")?;
    text.push_str(before);
    let (_, after) = cut(after, "<script", "</script>")?;
    text.extend(["<script>", &script, "</script>"]);
    text.push_str(after);
    Ok(text)
}

/// The text without tags that begin with one of these.
fn without(text: &str, starts: &[&str]) -> Result<String, String> {
    let mut text = text.to_owned();
    for start in starts {
        while text.contains(start) {
            let (before, after) = cut(&text, start, ">")?;
            text = [before, after].concat();
        }
    }
    Ok(text)
}

/// What stands before and after the part from `start` to the next `end`.
fn cut<'a>(text: &'a str, start: &str, end: &str) -> Result<(&'a str, &'a str), String> {
    let missing = || format!("`{start}` is not where the build looks for it");
    let (before, rest) = text.split_once(start).ok_or_else(missing)?;
    let (_, after) = rest.split_once(end).ok_or_else(missing)?;
    Ok((before, after))
}

/// The quoted value behind `name`, without `./`.
fn attribute(page: &str, name: &str) -> Result<String, String> {
    let (_, rest) =
        page.split_once(name).ok_or_else(|| format!("`{name}` is not in the built page"))?;
    let value = rest.trim_start_matches('"').split('"').next().unwrap_or_default();
    Ok(value.trim_start_matches("./").to_owned())
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

pub(crate) fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<meta http-equiv=x content=\"default-src 'none'\" />\
        <link rel=\"stylesheet\" href=\"./a.css\"/><link rel=\"preload\" href=\"./rest.js\">\
        <link rel=\"modulepreload\" href=\"./a.js\"><link rel=\"preload\" href=\"./a.wasm\"></head>\
        <script src=\"./rest.js\" defer></script><script data-js=\"./a.js\"></script></body>";

    fn parts() -> Parts {
        let text = |text: &str| text.to_owned();
        Parts {
            glue: text("let init; export { initSync, init as default };"),
            rest: text("1;"),
            worker: text("2;"),
            boot: text("3;"),
            wasm: text("AA=="),
        }
    }

    #[test]
    fn one_file_names_no_other_and_its_policy_allows_what_it_holds() {
        let text = assemble(PAGE, "a{}", &parts()).expect("it is all there");
        for gone in ["href=", "src=\"", "rest.js", "export"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        let script = text.split_once("<script>").expect("one").1.split_once("</script>");
        let script = script.expect("it ends").0;
        assert!(text.contains(&format!("script-src '{}'", hash(script))));
        assert!(text.contains(&format!("style-src '{}'", hash("a{}"))));
        assert!(script.contains("return { default: init };"), "{script}");
        assert_eq!(attribute(PAGE, "data-js=").as_deref(), Ok("a.js"));
    }

    #[test]
    fn what_would_break_the_file_is_refused() {
        assert!(assemble(PAGE, "a{background:url(x)}", &parts()).is_err());
        let mut bad = parts();
        bad.boot = "'</SCRIPT>'".to_owned();
        assert!(assemble(PAGE, "", &bad).is_err());
        assert!(assemble("", "", &parts()).is_err());
    }
}
