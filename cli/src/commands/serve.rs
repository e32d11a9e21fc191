//! `serve`: the built page, out of this one program, to browsers on this machine.
//!
//! Leaves out building it (`cargo xtask dist`; what was there when this program was built is in
//! it), and everybody else's machine: it listens on the loopback address alone.

use std::borrow::Cow;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::get;
use rust_embed::Embed;

use crate::args::ServeArgs;
use crate::error::{Error, tell};
use crate::output;

/// What `cargo xtask dist` built. The page as one file is for disks, not for hosts.
#[derive(Embed)]
#[folder = "../dist"]
#[exclude = "single/*"]
#[allow_missing = true]
struct Page;

/// A file of the page.
struct Asset {
    content: Cow<'static, [u8]>,
    media_type: String,
    /// Tells versions apart, for browsers that have one.
    tag: String,
}

/// Finds a file by its name.
type Find = fn(&str) -> Option<Asset>;

/// Serves the page until somebody ends the program.
pub(crate) fn run(args: &ServeArgs) -> Result<(), Error> {
    let router = router(in_this_program)?;
    let failed = |doing: &str| {
        let doing = doing.to_owned();
        |error: io::Error| Error::Io { doing, error }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    runtime.map_err(failed("starting the server"))?.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
        let listener = tokio::net::TcpListener::bind(address).await;
        let listener = listener.map_err(|error| cannot_listen(args.port, &error))?;
        let address = listener.local_addr().map_err(failed("asking for the port"))?;
        output::write(&format!("http://{address}/\n"), None)?;
        tell("serving the page to browsers on this machine; Ctrl-C ends it");
        axum::serve(listener, router).await.map_err(failed("serving the page"))
    })
}

fn cannot_listen(port: u16, error: &io::Error) -> Error {
    Error::bad_input(format!(
        "cannot listen on port {port}: {error}; choose another with --port N (0 takes any that is free)"
    ))
}

fn in_this_program(name: &str) -> Option<Asset> {
    let file = Page::get(name)?;
    let [a, b, c, d, ..] = file.metadata.sha256_hash();
    Some(Asset {
        content: file.data,
        media_type: file.metadata.mimetype().to_owned(),
        tag: format!("\"{:08x}\"", u32::from_be_bytes([a, b, c, d])),
    })
}

/// Answers for every file, under the content policy that the page itself names.
fn router(find: Find) -> Result<Router, Error> {
    let index = find("index.html").ok_or_else(|| {
        Error::bad_input(
            "this program was built without the page: `cargo xtask dist` builds the page, and \
             `cargo build --release` after it a program that has it",
        )
    })?;
    let policy = policy(&String::from_utf8_lossy(&index.content)).ok_or_else(|| {
        Error::bad_input("the page in this program names no content policy: build both anew")
    })?;
    let answer = move |name: &str, headers: &HeaderMap| answer(find, name, headers, &policy);
    let root = answer.clone();
    Ok(
        Router::new()
            .route("/", get(|headers: HeaderMap| async move { root("index.html", &headers) }))
            .route(
                "/{*name}",
                get(|Path(name): Path<String>, headers: HeaderMap| async move {
                    answer(&name, &headers)
                }),
            ),
    )
}

/// The content policy in the page's head.
fn policy(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("http-equiv=\"Content-Security-Policy\"")?;
    let (_, rest) = rest.split_once("content=\"")?;
    rest.split_once('"').map(|(policy, _)| policy.to_owned())
}

fn answer(find: Find, name: &str, headers: &HeaderMap, policy: &str) -> Response<Body> {
    let response = Response::builder().header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Older pages name policies of their own.
    let response = if name.starts_with("model/") {
        response
    } else {
        response.header(header::CONTENT_SECURITY_POLICY, policy)
    };
    let page = name.ends_with('/').then(|| format!("{name}index.html"));
    let Some(asset) = find(page.as_deref().unwrap_or(name)) else {
        let text = format!("There is no {name} here; the page is at /.\n");
        let response = response.status(StatusCode::NOT_FOUND);
        return response
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Body::from(text))
            .expect("invariant: every header is plain text");
    };
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| *tag == *asset.tag);
    // A name with its content's hash in it never means anything else.
    let keep = if is_hashed(name) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let response = response.header(header::ETAG, &asset.tag).header(header::CACHE_CONTROL, keep);
    let response = if known {
        response.status(StatusCode::NOT_MODIFIED).body(Body::empty())
    } else {
        response.header(header::CONTENT_TYPE, asset.media_type).body(Body::from(asset.content))
    };
    response.expect("invariant: every header is plain text")
}

/// Whether a file's name carries a hash of its content, as Trunk writes it: `web-753597d0143ec922.js`.
fn is_hashed(name: &str) -> bool {
    name.split(['-', '.', '_'])
        .any(|part| part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str =
        "<meta\n http-equiv=\"Content-Security-Policy\"\n content=\"default-src 'none'\" />";

    fn site(name: &str) -> Option<Asset> {
        let (content, media_type) = match name {
            "index.html" | "model/8/index.html" => (INDEX, "text/html"),
            "web-753597d0143ec922.js" => ("run()", "text/javascript"),
            _ => return None,
        };
        Some(Asset {
            content: Cow::Borrowed(content.as_bytes()),
            media_type: media_type.to_owned(),
            tag: "\"1\"".to_owned(),
        })
    }

    fn ask(name: &str, tag: Option<&str>) -> Response<Body> {
        let mut headers = HeaderMap::new();
        if let Some(tag) = tag {
            headers.insert(header::IF_NONE_MATCH, tag.parse().expect("a tag"));
        }
        answer(site, name, &headers, &policy(INDEX).expect("a policy"))
    }

    fn told(response: &Response<Body>, name: header::HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
    }

    #[test]
    fn page_is_asked_for_anew_and_what_its_name_tells_apart_is_kept() {
        let index = ask("index.html", None);
        assert_eq!(index.status(), StatusCode::OK);
        assert_eq!(told(&index, header::CACHE_CONTROL), "no-cache");
        assert_eq!(told(&index, header::CONTENT_SECURITY_POLICY), "default-src 'none'");
        let script = ask("web-753597d0143ec922.js", None);
        assert_eq!(told(&script, header::CONTENT_TYPE), "text/javascript");
        assert!(told(&script, header::CACHE_CONTROL).contains("immutable"));
    }

    #[test]
    fn older_page_is_found_by_its_folder_and_under_its_own_policy() {
        let older = ask("model/8/", None);
        assert_eq!(older.status(), StatusCode::OK);
        assert_eq!(told(&older, header::CONTENT_SECURITY_POLICY), "");
        assert_eq!(ask("model/7/", None).status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn browser_that_has_a_file_is_sent_none() {
        assert_eq!(ask("index.html", Some("\"1\"")).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(ask("index.html", Some("\"2\"")).status(), StatusCode::OK);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for name in ["missing.js", "../Cargo.toml", ""] {
            assert_eq!(ask(name, None).status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[test]
    fn program_without_the_page_says_how_to_build_one_with_it() {
        let Err(Error::BadInput(lines)) = router(|_| None) else { panic!("it served nothing") };
        assert!(lines[0].contains("cargo xtask dist"), "{lines:?}");
    }
}
