//! The HTML page: its structure, its two languages, and what it does with records that mean harm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;

use evidence::{Case, ExtentSet, Investigator};
use fixtures::{
    Item, begin, chain_by_hand, checkpoint, closed, extent, image_closed, opened, page_of, pf_record,
    preliminaries, protection, stated, text_of, tree, write,
};
use formats::ImageKind;
use record::{Entry, GuardReport, Outcome};
use roxmltree::{Document, Node};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const HOSTILE: &str =
    "</bdi></style><script>alert(1)</script><img src=x onerror=alert(1)>\" onload='x' \u{1b}[2J\u{202e}\u{0}";

fn record_of(folder: &Path, entries: impl IntoIterator<Item = Entry>) -> PathBuf {
    let path = folder.join("3.record.jsonl");
    write(&path, entries);
    path
}

fn elements<'a>(tree: &'a Document<'a>, tag: &'a str) -> Vec<Node<'a, 'a>> {
    tree.descendants().filter(|node| node.has_tag_name(tag)).collect()
}

/// Everything that a page must hold to be read by people who hear it, and must not hold to be safe.
fn is_sound(page: &str, languages: &[&str]) {
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang="));
    let tree = tree(page);
    for node in tree.descendants().filter(Node::is_element) {
        let tag = node.tag_name().name();
        assert!(
            !["script", "img", "iframe", "object", "link", "form", "base", "a:href"].contains(&tag),
            "{tag}"
        );
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(!name.starts_with("on") && !["src", "style", "action"].contains(&name), "{name}={value}");
            assert!(name != "href" || value.starts_with('#'), "{value}");
            assert!(!value.contains("url(") || value.starts_with("url(#map-"), "{value}");
        }
    }
    let ids: Vec<&str> = tree.descendants().filter_map(|node| node.attribute("id")).collect();
    let known: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), known.len(), "an id stands twice");
    for node in tree.descendants() {
        let named = node.attribute("aria-labelledby").into_iter().flat_map(str::split_whitespace);
        let linked = node.attribute("href").and_then(|href| href.strip_prefix('#'));
        named.chain(linked).for_each(|id| assert!(known.contains(id), "{id}"));
    }

    // Landmarks, languages and headings.
    for landmark in ["header", "main", "footer"] {
        assert_eq!(elements(&tree, landmark).len(), 1, "{landmark}");
    }
    let articles = elements(&tree, "article");
    assert_eq!(
        articles.iter().map(|article| article.attribute("lang").unwrap()).collect::<Vec<_>>(),
        languages
    );
    assert_eq!(tree.root_element().attribute("lang"), Some(languages[0]));
    for article in articles {
        let levels: Vec<u32> = article
            .descendants()
            .filter_map(|node| node.tag_name().name().strip_prefix('h')?.parse().ok())
            .collect();
        assert_eq!(levels[0], 1);
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1 && pair[1] > 1), "{levels:?}");
    }
    for head in elements(&tree, "th") {
        assert!(matches!(head.attribute("scope"), Some("row" | "col")));
    }
    for table in elements(&tree, "table") {
        let captioned = table.first_element_child().unwrap().has_tag_name("caption");
        assert!(captioned || table.attribute("aria-label").is_some());
    }
    for svg in elements(&tree, "svg") {
        assert_eq!(svg.attribute("role"), Some("img"));
        let named: Vec<&str> =
            svg.children().filter(Node::is_element).take(2).map(|node| node.tag_name().name()).collect();
        assert_eq!(named, ["title", "desc"]);
    }

    // The policy stands before anything it is to hold for.
    let policy = tree
        .descendants()
        .find(|node| node.attribute("http-equiv") == Some("Content-Security-Policy"))
        .unwrap();
    assert!(
        policy.attribute("content").unwrap().starts_with("default-src 'none'; style-src 'unsafe-inline';")
    );
    assert!(elements(&tree, "style")[0].range().start > policy.range().start);
    assert!(!page.contains(|letter: char| letter.is_control() && letter != '\n'));
}

#[test]
fn a_page_is_whole_in_each_language() {
    let item = Item::new(ImageKind::Raw, "raw", None, &[7; 1 << 20]);
    for (language, tags, words) in [
        ("en", &["en"][..], "Imaged, read back and verified"),
        ("zh", &["zh-Hans"], "镜像已制作，回读校验一致"),
        ("both", &["en", "zh-Hans"], "镜像已制作，回读校验一致"),
    ] {
        let (code, page) = page_of(&item.record, language);
        assert_eq!(code, 0);
        is_sound(&page, tags);
        assert!(page.contains(words));
        let tree = tree(&page);
        let text = text_of(tree.root_element());
        for fact in [
            "2026-17",
            "Jörg 李建国",
            "first line\nsecond line",
            "ZN1A4XYZ",
            "naa.5000c500a1b2c3d4",
            "2\u{a0}048",
            "READ DMA EXT",
            "953\u{a0}874",
            "comm=mount, op=write",
            "frozen",
            "3.raw",
        ] {
            assert!(text.contains(fact), "{language} lacks {fact}");
        }
        assert_eq!(elements(&tree, "svg").len(), 2 * tags.len(), "map and curve");
    }
}

#[test]
fn who_acted_by_which_authority_where_and_by_which_clock_is_shown_and_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let show = |name: &str, case: Case| {
        let record = folder.path().join(format!("{name}.record.jsonl"));
        let mut first = opened("raw", 1 << 20);
        first.case = case;
        write(&record, [begin(first), closed(Outcome::Failed)]);
        let (_, page) = page_of(&record, "both");
        is_sound(&page, &["en", "zh-Hans"]);
        let (code, said, _) = pf_record(&["show", record.to_str().unwrap()]);
        assert_eq!(code, 0);
        (page, said)
    };
    let (page, said) = show("whole", stated());
    assert!(page.contains("UEFI, Secure Boot on") && page.contains("UEFI，安全启动（Secure Boot）已开启"));
    assert!(said.contains("UEFI, Secure Boot on"), "{said}");
    assert!(
        page.contains("off when the acquisition began")
            && page.contains("取证开始时已关闭；本次启动后曾开启过")
    );
    assert!(page.contains("本机时钟比 ntp.example 快 3.500000 秒"));
    assert!(
        said.contains(
            "Clock       at 2026-03-17T09:01:00Z this machine's clock was 3.500000 s ahead of ntp.example"
        ),
        "{said}"
    );
    let tree = tree(&page);
    let rows: Vec<(String, String)> = elements(&tree, "tr")
        .into_iter()
        .map(|row| {
            row.children()
                .filter(Node::is_element)
                .map(|cell| text_of(cell).trim().to_owned())
                .collect::<Vec<_>>()
        })
        .filter_map(|cells| <[String; 2]>::try_from(cells).ok().map(|[name, value]| (name, value)))
        .collect();
    for (name, value) in [
        ("Cause", "诈骗案"),
        ("案由", "诈骗案"),
        ("Legal basis", "搜查证〔2026〕17号"),
        ("Investigators", "李建国, 网安支队, 012345\nJörg Müller, 网安支队"),
        ("Why there is no witness", "深夜"),
        ("提取地点", "3 号机房"),
        ("Difference of the clocks", "the machine's clock was 124 s (0:02:04) ahead of the reference"),
        ("时钟偏差", "原机时钟比标准时间快 124 秒（0:02:04）"),
        ("封条编号", "4711、4712"),
    ] {
        assert!(rows.contains(&(name.to_owned(), value.to_owned())), "{name}: {rows:?}");
    }
    assert!(!page.contains("Missing when it began"));
    for line in [
        "Place of the acquisition: 3 号机房",
        "Investigators: Jörg Müller, 网安支队",
        "Difference of the clocks: the machine's clock was 124 s",
    ] {
        assert!(said.lines().any(|told| told.starts_with(line)), "{line}: {said}");
    }

    let lacking = Case { missing: Some(vec!["investigators.2.unit".into(), "<b>".into()]), ..stated() };
    let (page, said) = show("lacking", lacking);
    assert!(page.contains("the case file was incomplete; not stated are Investigators 2: unit; &lt;b&gt;"));
    assert!(page.contains("案件文件不完整；未填写：侦查人员（二人以上） 2：单位"));
    assert!(said.contains("WARNING     the case file was incomplete; not stated are "), "{said}");
    let none = Case { missing: Some(vec!["cause".into()]), ..Case::default() };
    let (page, said) = show("none", none);
    assert!(
        page.contains("no case file was given; not stated are Cause")
            && said.contains("no case file was given")
    );
}

#[test]
fn no_text_of_a_record_becomes_more_than_text() {
    let folder = tempfile::tempdir().unwrap();
    let mut hostile = opened("raw", 1 << 20);
    hostile.case.case_number = HOSTILE.into();
    hostile.case.notes = HOSTILE.into();
    hostile.case.holder = HOSTILE.into();
    hostile.case.seal_numbers = vec![HOSTILE.into()];
    hostile.case.investigators = vec![Investigator { name: HOSTILE.into(), ..Investigator::default() }];
    hostile.case.missing = Some(vec![HOSTILE.into(), "a.b.c.d".into()]);
    hostile.source.model = Some(HOSTILE.into());
    hostile.guard = GuardReport::NotADisk { reason: HOSTILE.into() };
    hostile.plan.format = HOSTILE.into();
    let mut image = image_closed(1 << 20, ExtentSet::new());
    image.segments[0].name = HOSTILE.into();
    let row = serde_json::json!({"set": HOSTILE, "opcode": HOSTILE, "name": HOSTILE, HOSTILE: HOSTILE, "passed": 1});
    let record = record_of(
        folder.path(),
        [
            begin(hostile),
            Entry::Note { text: HOSTILE.into() },
            Entry::ReadError { extent: extent(0, 512), error: HOSTILE.into(), action: HOSTILE.into() },
            Entry::GuardEvents { events: vec![row.clone(), HOSTILE.into()], omitted: 0 },
            Entry::GuardCommands { commands: vec![row, HOSTILE.into()] },
            Entry::Interrupted { reason: HOSTILE.into() },
            Entry::ImageClosed(image),
            closed(Outcome::Failed),
        ],
    );
    let (code, page) = page_of(&record, "both");
    assert_eq!(code, 0);
    is_sound(&page, &["en", "zh-Hans"]);
    assert!(page.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count() > 20);
    let (code, said, _) = pf_record(&["show", record.to_str().unwrap()]);
    assert_eq!(code, 0);
    assert!(!said.contains(|letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}'));
}

#[test]
fn kinds_and_fields_of_a_later_version_are_shown_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("3.record.jsonl");
    let first = serde_json::to_string(&begin(opened("raw", 512))).unwrap();
    let first = first.replace(r#""case":{"#, r#""case":{"interpreter":"W. Itness","#);
    let last = r#"{"kind":"closed","outcome":"complete","tpm":{"pcr":[7]}}"#;
    let later = r#"{"kind":"head-signed","key":"ed25519","words":["acid","bravo"]}"#;
    chain_by_hand(&record, [first, later.to_owned(), last.to_owned()]);
    let (code, page) = page_of(&record, "en");
    assert_eq!(code, 0);
    let tree = tree(&page);
    let text = text_of(tree.root_element());
    for shown in [
        "head-signed",
        r#"key="ed25519", words=["acid","bravo"]"#,
        r#"case.interpreter = "W. Itness""#,
        r#"tpm = {"pcr":[7]}"#,
    ] {
        assert!(text.contains(shown), "{shown}");
    }
}

#[test]
fn ranges_are_drawn_whether_there_is_none_or_ten_thousand() {
    const CAPACITY: u64 = 1 << 40;
    let folder = tempfile::tempdir().unwrap();
    for (ranges, listed, words) in [
        (0, 0, "Every sector was read."),
        (1, 1, ", 1 range."),
        (10_000, 100, "Rows left out here: 9\u{a0}900"),
    ] {
        let record = folder.path().join(format!("{ranges}.record.jsonl"));
        let unread: ExtentSet = (0..ranges).map(|n| extent(n * (CAPACITY / 10_001), 512)).collect();
        let [hidden, policy] = preliminaries();
        let errors = unread.iter().map(|extent| Entry::ReadError {
            extent,
            error: "EIO".into(),
            action: "zeros".into(),
        });
        let outcome = if ranges == 0 { Outcome::Complete } else { Outcome::CompleteWithUnreadSectors };
        let entries = [begin(opened("raw", CAPACITY)), hidden, policy].into_iter().chain(errors.take(300));
        write(
            &record,
            entries.chain([Entry::ImageClosed(image_closed(CAPACITY, unread.clone())), closed(outcome)]),
        );
        let (_, page) = page_of(&record, "en");
        is_sound(&page, &["en"]);
        assert!(page.contains(words), "{ranges}: {words}");
        let tree = tree(&page);
        let list =
            elements(&tree, "table").into_iter().find(|table| text_of(*table).contains("First sector (LBA)"));
        assert_eq!(
            list.map_or(0, |table| table.descendants().filter(|node| node.has_tag_name("tr")).count() - 1),
            listed
        );
        let map = elements(&tree, "svg")[0];
        let bad = map.descendants().filter(|node| {
            node.has_tag_name("rect") && node.children().any(|child| child.has_tag_name("title"))
        });
        assert_eq!(bad.count() > 0, ranges > 0);
        let drawn = map.descendants().filter(|node| node.has_tag_name("rect")).count();
        assert!((5..1100).contains(&drawn), "{ranges}: {drawn} rectangles");
        assert_eq!(page.contains("Left out here, read-error: 200 entries"), ranges == 10_000);
    }
}

#[test]
fn an_acquisition_that_did_not_end_says_so_and_how_far_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let [hidden, policy] = preliminaries();
    let [events, commands] = protection();
    let record = record_of(
        folder.path(),
        [
            begin(opened("raw", 64 << 20)),
            hidden,
            policy,
            checkpoint(16 << 20),
            Entry::Interrupted { reason: "SIGINT".into() },
            events,
            commands,
        ],
    );
    let (code, page) = page_of(&record, "both");
    assert_eq!(code, 3);
    is_sound(&page, &["en", "zh-Hans"]);
    for words in [
        "The acquisition did not come to its end",
        "SIGINT",
        "durable for the first 16 777 216 bytes",
        "not known to be imaged: 768",
        "it takes two checkpoints",
        "介质前 16\u{a0}777\u{a0}216 字节（16.0 MiB）的数据已落盘",
    ] {
        assert!(page.contains(words), "{words}");
    }

    // Cut within a line: what stands before it is shown, and where it ends is said.
    let text = fs::read_to_string(&record).unwrap();
    let cut = folder.path().join("cut.record.jsonl");
    fs::write(&cut, &text[..text.len() - 20]).unwrap();
    let (code, page) = page_of(&cut, "both");
    assert_eq!(code, 1);
    assert!(
        page.contains("The record is damaged or was altered") && page.contains("the file ends within it")
    );
    assert!(page.contains("哈希链断裂于第 7 行") && page.contains("文件在该行中间结束"));
}

#[test]
fn what_cannot_be_read_or_written_has_its_own_code_and_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("empty"), "").unwrap();
    fs::write(at("no-record"), "{\u{1b}[2J\n").unwrap();
    let record = record_of(folder.path(), [Entry::Note { text: "x".into() }, closed(Outcome::Failed)]);
    let record = record.to_str().unwrap();
    fs::write(at("there"), "kept").unwrap();
    for (words, code, said) in [
        (vec!["show", &at("missing")], 2, "could not be read"),
        (vec!["show", folder.path().to_str().unwrap()], 2, "could not be read"),
        (vec!["html", &at("empty"), "-o", &at("x")], 2, "the file is empty"),
        (vec!["html", &at("no-record"), "-o", &at("x")], 2, "line 1 at byte 0"),
        (vec!["html", record, "-o", &at("there")], 4, "nothing is ever overwritten"),
        (vec!["html", record, "-o", &at("no/folder")], 4, "writing failed"),
        (vec!["html", record, "-o", "/dev/full"], 4, "nothing is ever overwritten"),
        (vec!["html", record], 2, "--output"),
    ] {
        let (found, _, errors) = pf_record(&words);
        assert_eq!(found, code, "{words:?}: {errors}");
        assert!(errors.contains(said) && !errors.contains('\u{1b}'), "{words:?}: {errors}");
    }
    assert_eq!(fs::read_to_string(at("there")).unwrap(), "kept");
    assert!(!Path::new(&at("x")).exists());
}

#[test]
fn json_says_what_was_made_and_what_the_record_holds() {
    let item = Item::new(ImageKind::Raw, "raw", None, &[7; 4096]);
    let record = item.record.to_str().unwrap();
    let (code, said, _) = pf_record(&["show", "--json", record]);
    let shown: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &shown["entries"], &shown["closed"]), (0, &10.into(), &true.into()));
    assert_eq!(shown["commands"], serde_json::json!({"passed": 953_874, "absorbed": 3, "refused": 2}));
    assert_eq!(shown["opened"]["source"]["serial"], "ZN1A4XYZ");
    assert_eq!(shown["timeline"][9]["says"], "Record closed: complete");
    let page = item.folder.path().join("p.html");
    let (_, said, _) = pf_record(&["html", "--json", record, "-o", page.to_str().unwrap()]);
    let made: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(made["made"][0], page.to_str().unwrap());
    assert_eq!(made["chain_head"], shown["chain_head"]);
}

/// As long as a record can be, of the worst that fits into it.
#[test]
fn the_largest_record_makes_a_page_of_bounded_size_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("3.record.jsonl");
    let long = "<&\u{fffd}>".repeat(200);
    let wide = |kind: &str| format!(r#"{{"kind":"{kind}","text":"{long}","x":"{long}"}}"#);
    let events = format!(r#"{{"kind":"guard-events","omitted":1,"events":[{}0]}}"#, "[],".repeat(340_000));
    let commands =
        format!(r#"{{"kind":"guard-commands","commands":[{}0]}}"#, r#"{"set":"<"},"#.repeat(80_000));
    let unread = (0..150_000u64)
        .map(|n| format!(r#"{{"offset":{},"length":512}}"#, n * 1024))
        .collect::<Vec<_>>()
        .join(",");
    let image = format!(
        r#"{{"kind":"image-closed","segments":[],"media_size":1099511627776,"hashes":{{}},"unread":[{unread}],"seconds":1e308,"y":[{}0]}}"#,
        "0,".repeat(4_000_000)
    );
    let first = serde_json::to_string(&begin(opened("raw", 1 << 40))).unwrap();
    let lines = [first, events.clone(), events, commands, image].into_iter();
    let notes = (0..95_000).map(|n| wide(if n % 2 == 0 { "note" } else { "later" }));
    chain_by_hand(&record, lines.chain(notes));
    assert!(fs::metadata(&record).unwrap().len() > 200 << 20);

    let page = folder.path().join("p.html");
    let limited = "ulimit -v 131072; exec \"$0\" html \"$1\" -o \"$2\"";
    let status = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_pf-record")])
        .args([&record, &page])
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(3));
    let page = fs::read_to_string(&page).unwrap();
    is_sound(&page, &["en", "zh-Hans"]);
    assert!(page.len() < 16 << 20, "{} bytes", page.len());
    assert!(page.contains("Left out here, note: 47\u{a0}400 entries"));
}
