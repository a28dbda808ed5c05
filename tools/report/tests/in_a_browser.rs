//! The pages in a browser of other people's: nothing is complained of, nothing is asked of the network, all text is legible.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;

use fixtures::{Item, begin, closed, opened, page_of, pf_record, stated, tree, write};
use formats::ImageKind;
use harness::host_program::HostProgram;
use record::Outcome;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// What a browser says while it shows a page, and whom it asked on the network.
fn shown(page: &Path) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    let net = profile.path().join("net.json");
    let browser = HostProgram::new("chromium", "chromium").unwrap();
    let output = browser
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
        ])
        .args([
"--disable-component-update", "--disable-sync", "--disable-domain-reliability",
 "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter,DialMediaRouteProvider,Translate",
            "--disable-extensions",
            "--enable-logging=stderr",
            "--v=0",
            "--dump-dom",
        ])
        // The browser's own curiosity ends here too; what a page asks for is in the log all the same.
        .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--log-net-log={}", net.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    let console = said.lines().filter(|line| line.contains("CONSOLE")).collect::<Vec<_>>().join("\n");
    (console, fs::read_to_string(&net).unwrap())
}

/// What the page asked of the network, by the browser's log of it, an event in a line. What the browser asks for itself has no
/// origin.
fn asked(log: &str) -> Vec<String> {
    let events =
        log.lines().filter_map(|line| serde_json::from_str::<Value>(line.trim_end_matches(',')).ok());
    let asked = events.filter_map(|event| {
        let parameters = event.get("params")?;
        let initiator = parameters.get("initiator")?.as_str()?;
        let url = parameters.get("url")?.as_str()?;
        (initiator != "not an origin").then(|| url.to_owned())
    });
    asked.collect()
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let record = folder.join("3.record.jsonl");
    let mut first = opened("raw", 1 << 20);
    first.case = stated();
    first.case.missing = Some(vec!["cause".into()]);
    write(&record, [begin(first), closed(Outcome::Failed)]);
    page_of(&record, "both");
    let forms = folder.join("forms");
    pf_record(&["forms", record.to_str().unwrap(), "-o", forms.to_str().unwrap()]);
    let forms =
        ["extraction-record.html", "fixing-list.html", "sealing-list.html"].map(|name| forms.join(name));
    std::iter::once(record.with_extension("both.html")).chain(forms).collect()
}

#[test]
fn no_page_makes_a_browser_complain_or_ask_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let item = Item::new(ImageKind::Raw, "raw", None, &[7; 1 << 20]);
    page_of(&item.record, "both");
    for page in pages(folder.path()).iter().chain([&item.record.with_extension("both.html")]) {
        let (console, log) = shown(page);
        assert_eq!(console, "", "{}", page.display());
        assert_eq!(asked(&log), [""; 0], "{}", page.display());
    }
    // The same eyes see it where a page does either.
    let page = folder.path().join("wrong.html");
    fs::write(
        &page,
        "<!DOCTYPE html><p>x<script>console.error('seen')</script><img src='http://127.0.0.1:9/x.png'>",
    )
    .unwrap();
    let (console, log) = shown(&page);
    assert!(console.contains("seen"), "{console}");
    assert!(asked(&log).contains(&"http://127.0.0.1:9/x.png".to_owned()), "{:?}", asked(&log));
}

/// Contrast of two colours as WCAG 2.2 computes it.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_colour_of_text_stands_out_from_what_is_behind_it() {
    assert!(
        (contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9
            && (contrast("#777777", "#ffffff") - 4.478).abs() < 1e-3
    );
    let folder = tempfile::tempdir().unwrap();
    for page in pages(folder.path()) {
        let page = fs::read_to_string(page).unwrap();
        let sheet = tree(&page)
            .descendants()
            .find(|node| node.has_tag_name("style"))
            .unwrap()
            .text()
            .unwrap()
            .to_owned();
        let mut texts = 0;
        for rule in sheet.split('}') {
            let property = |name: &str| {
                let value =
                    rule.split(['{', ';']).find_map(|part| part.strip_prefix(name)?.strip_prefix(':'));
                value.filter(|value| value.starts_with('#') && value.len() == 7).map(str::to_owned)
            };
            // Without a ground of its own a text stands on the page, or on the head of a table, which is darker.
            let Some(text) = property("color").or_else(|| property("fill")) else { continue };
            let grounds = property("background")
                .map_or_else(|| vec!["#ffffff".to_owned(), "#f1f3f5".to_owned()], |own| vec![own]);
            for ground in grounds {
                assert!(contrast(&text, &ground) >= 4.5, "{text} on {ground}: {rule}");
                texts += 1;
            }
        }
        assert!(texts > 10, "{texts}");
    }
}

#[test]
fn every_form_has_its_landmarks_its_language_and_a_head_for_each_cell() {
    let folder = tempfile::tempdir().unwrap();
    for page in pages(folder.path()).iter().skip(1) {
        let text = fs::read_to_string(page).unwrap();
        let tree = tree(&text);
        let count = |tag: &str| tree.descendants().filter(|node| node.has_tag_name(tag)).count();
        assert_eq!((count("main"), count("footer"), count("h1"), count("script")), (1, 1, 1, 0));
        assert_eq!(tree.root_element().attribute("lang"), Some("zh-Hans"));
        for table in tree.descendants().filter(|node| node.has_tag_name("table")) {
            assert!(table.attribute("aria-label").is_some_and(|label| !label.is_empty()));
            let heads: Vec<_> = table.descendants().filter(|node| node.has_tag_name("th")).collect();
            assert!(!heads.is_empty() && heads.iter().all(|head| head.attribute("scope").is_some()));
        }
    }
}
