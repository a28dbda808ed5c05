//! The Chinese forms: what the record fills, and what is left to the hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;

use fixtures::{Item, begin, closed, opened, pf_record, stated, text_of, tree, write};
use formats::ImageKind;
use record::{GuardReport, Outcome};
use roxmltree::Node;
use std::fs;
use std::path::Path;

const FORMS: [(&str, &str); 3] = [
    ("extraction-record.html", "电子数据现场提取笔录"),
    ("fixing-list.html", "电子数据提取固定清单"),
    ("sealing-list.html", "封存电子证据清单"),
];

fn forms_of(record: &Path, folder: &Path) -> (i32, String) {
    let (code, _, errors) = pf_record(&["forms", record.to_str().unwrap(), "-o", folder.to_str().unwrap()]);
    (code, errors)
}

/// What stands in the row that begins with `label`, and how many blank lines.
fn field(form: &str, label: &str) -> (String, usize) {
    let tree = tree(form);
    let head = tree.descendants().find(|node| node.has_tag_name("th") && text_of(*node) == label);
    let cell = head.unwrap_or_else(|| panic!("no {label}")).next_sibling_element().unwrap();
    (
        text_of(cell).trim().to_owned(),
        cell.descendants().filter(|node| node.attribute("class") == Some("blank")).count(),
    )
}

#[test]
fn the_record_fills_what_it_has_and_leaves_lines_for_the_rest() {
    let item = Item::new(ImageKind::Raw, "raw", None, &[7; 1 << 20]);
    let folder = item.folder.path().join("forms");
    assert_eq!(forms_of(&item.record, &folder).0, 0);
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    for (name, title) in FORMS {
        let form = read(name);
        let tree = tree(&form);
        assert_eq!(tree.root_element().attribute("lang"), Some("zh-Hans"));
        let headings: Vec<Node> = tree.descendants().filter(|node| node.has_tag_name("h1")).collect();
        assert_eq!(headings.iter().map(|heading| text_of(*heading)).collect::<Vec<_>>(), [title]);
        assert!(form.contains("default-src &#39;none&#39;") && form.contains("模板版本 2019-2"));
        assert!(form.contains("侦查人员（签名或者盖章）"));
        assert!(!form.contains("verdict poor\""));
        assert_eq!(field(&form, "案件编号"), ("2026-17".to_owned(), 0));
        assert_eq!(field(&form, "办案单位"), (String::new(), 1));
    }
    let form = read("extraction-record.html");
    for (label, value) in [
        ("序列号", "ZN1A4XYZ"),
        ("品牌、型号", "ATA，ST1000DM010"),
        ("磁盘收到的命令", "放行 953\u{a0}874 条，吸收 3 条，拒绝 2 条；逐条见取证记录"),
        ("开始时间（取证机时钟）", "2026-03-17 09:12:04（UTC）"),
        ("结果", "完成"),
        ("未能读取的区域", "全部扇区均已读取"),
    ] {
        assert_eq!(field(&form, label), (value.to_owned(), 0));
    }
    assert_eq!(field(&form, "取证操作人员"), ("Jörg 李建国".to_owned(), 0));
    assert_eq!(field(&form, "侦查人员（二人以上）"), (String::new(), 1));
    assert_eq!(field(&form, "不能扣押原始存储介质的原因"), (String::new(), 1));
    assert!(read("fixing-list.html").contains("SHA-256："));
}

/// Cells of the row that begins a table with this heading.
fn row_below(form: &str, heading: &str) -> Vec<String> {
    let tree = tree(form);
    let table = tree.descendants().find(|node| node.attribute("aria-label") == Some(heading)).unwrap();
    let body = table.descendants().find(|node| node.has_tag_name("tbody")).unwrap();
    let row = body.first_element_child().unwrap();
    row.children().filter(Node::is_element).map(|cell| text_of(cell).trim().to_owned()).collect()
}

#[test]
fn the_case_file_fills_the_forms_and_what_is_left_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("3.record.jsonl");
    let mut first = opened("raw", 1 << 20);
    first.case = stated();
    write(&record, [begin(first), closed(Outcome::Failed)]);
    let forms = folder.path().join("forms");
    let (code, said, _) = pf_record(&["forms", record.to_str().unwrap(), "-o", forms.to_str().unwrap()]);
    assert_eq!(code, 0);
    let read = |name: &str| fs::read_to_string(forms.join(name)).unwrap();

    let form = read("extraction-record.html");
    for (label, value) in [
        ("案由", "诈骗案"),
        ("办案单位", "某市公安局"),
        ("法律依据及文书文号", "搜查证〔2026〕17号"),
        ("侦查人员（二人以上）", "李建国，网安支队，012345\nJörg Müller，网安支队"),
        ("电子数据持有人（提供人）", "王某"),
        ("见证人；没有见证人的，注明原因", "没有符合条件的见证人，原因：深夜"),
        ("提取地点", "3 号机房"),
        (
            "原机系统时间与标准时间的偏差",
            "原机 2026-03-17 09:12:04，标准时间 2026-03-17 09:10:00（NTP）；原机时钟比标准时间快 124 秒（0:02:04）",
        ),
        ("原始存储介质的存放地点", "1 号库"),
        ("提取前的封存状况（封条编号、状态）", "封条编号：4711、4712，完好"),
        ("录像文件及其完整性校验值", &format!("scene.mp4，SHA-256：{}", "b2".repeat(32))),
    ] {
        assert_eq!(field(&form, label), (value.to_owned(), 0), "{label}");
    }
    assert_eq!(field(&form, "不能扣押原始存储介质的原因"), (String::new(), 1));
    // What is blank is named on the form and on the terminal, and nothing else is.
    for text in [&form, &said] {
        assert!(text.contains("；不能扣押原始存储介质的原因；") && !text.contains("案由；"), "{text}");
    }
    assert_eq!(field(&read("fixing-list.html"), "办案单位").0, "某市公安局");

    let form = read("sealing-list.html");
    let row = row_below(&form, "封存情况");
    assert_eq!(row[..3], ["1", "防拆袋", "4711\n4712"]);
    assert_eq!(row[3], format!("1.jpg，SHA-256 {}", "a1".repeat(32)));
    assert_eq!(row[4..], ["", "拆封前：完好"]);
    assert_eq!(row_below(&form, "封存的原始存储介质")[6], "左上角有划痕");
    assert_eq!(field(&form, "保管人及存放地点").0, "1 号库");

    let (_, said, _) = pf_record(&[
        "forms",
        "--json",
        record.to_str().unwrap(),
        "-o",
        folder.path().join("2").to_str().unwrap(),
    ]);
    let made: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(made["left_blank"].as_array().unwrap().len(), 3);
    assert!(made["left_blank"][2].as_array().unwrap().contains(&"封存时间".into()), "{made}");
}

#[test]
fn a_form_of_an_acquisition_that_did_not_end_says_so_and_claims_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("3.record.jsonl");
    let mut first = opened("raw", 1 << 20);
    first.guard = GuardReport::Unguarded;
    first.case.case_number = "</bdi><script>x</script>".into();
    write(&record, [begin(first)]);
    assert_eq!(forms_of(&record, folder.path()).0, 3);
    let form = fs::read_to_string(folder.path().join("extraction-record.html")).unwrap();
    assert!(form.contains("固定工作没有正常结束") && !form.contains("<script"));
    for label in ["结束时间（取证机时钟）", "结果", "完整性校验值", "回读校验", "磁盘收到的命令"]
    {
        assert_eq!(field(&form, label), (String::new(), 1), "{label}");
    }
    assert!(field(&form, "写保护方法").0.starts_with("取证内核没有写保护"));
}

#[test]
fn all_forms_are_made_or_none_and_nothing_is_overwritten() {
    let item = Item::new(ImageKind::Raw, "raw", None, &[7; 512]);
    let folder = item.folder.path().join("forms");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("sealing-list.html"), "kept").unwrap();
    let (code, errors) = forms_of(&item.record, &folder);
    assert!(
        code == 4 && errors.contains("sealing-list.html: a file of this name exists already"),
        "{errors}"
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(folder.join("sealing-list.html")).unwrap(), "kept");
}

/// The forms of a case, and what they leave to the hand.
fn of_case(case: evidence::Case) -> (String, String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("3.record.jsonl");
    let mut first = opened("raw", 1 << 20);
    first.case = case;
    write(&record, [begin(first), closed(Outcome::Failed)]);
    let forms = folder.path().join("forms");
    let words = ["forms", "--json", record.to_str().unwrap(), "-o", forms.to_str().unwrap()];
    let made: serde_json::Value = serde_json::from_str(&pf_record(&words).1).unwrap();
    let blanks = made["left_blank"].as_array().unwrap().iter().flat_map(|form| form.as_array().unwrap());
    let blanks = blanks.map(|blank| blank.as_str().unwrap().to_owned()).collect();
    let read = |name: &str| fs::read_to_string(forms.join(name)).unwrap();
    (read("extraction-record.html"), read("sealing-list.html"), blanks)
}

#[test]
fn a_photograph_of_no_stated_time_is_not_lost() {
    let mut case = stated();
    case.photos[0].taken.clear();
    let (form, list, _) = of_case(case);
    assert!(field(&form, "提取前的照片及其完整性校验值").0.contains("1.jpg（未注明拍摄时间）"));
    assert!(row_below(&list, "封存情况")[3].contains("1.jpg（未注明拍摄时间）"));
}

#[test]
fn what_is_given_in_part_leaves_room_for_the_rest_and_is_listed() {
    let (form, list, blanks) = of_case(stated());
    assert_eq!(field(&form, "侦查人员（二人以上）").1, 0);
    assert!(!blanks.contains(&"侦查人员（二人以上）".to_owned()), "{blanks:?}");
    let states = "拆封前、重新封存后封条状态；拆封时间、拆封人";
    let listed = format!("封存情况：{states}");
    assert!(blanks.contains(&listed), "{blanks:?}");
    let tree = tree(&list);
    let table = tree.descendants().find(|node| node.attribute("aria-label") == Some("封存情况")).unwrap();
    let row = table.descendants().find(|node| node.has_tag_name("tbody")).unwrap();
    let cell = row.first_element_child().unwrap().last_element_child().unwrap();
    assert!(text_of(cell).contains("完好"));
    assert_eq!(
        cell.descendants().filter(|node| node.attribute("class") == Some("blank")).count(),
        3,
        "state afterwards, time, person"
    );

    let mut case = stated();
    case.investigators.pop();
    case.video_sha256.clear();
    case.reference_time.clear();
    case.reference_source.clear();
    case.clock_offset_seconds = None;
    let (form, _, blanks) = of_case(case);
    for (label, value) in [
        ("侦查人员（二人以上）", "李建国，网安支队，012345"),
        ("录像文件及其完整性校验值", "scene.mp4"),
        ("原机系统时间与标准时间的偏差", "原机 2026-03-17 09:12:04"),
    ] {
        assert_eq!(field(&form, label), (value.to_owned(), 1), "{label}");
        assert!(blanks.contains(&label.to_owned()), "{label}: {blanks:?}");
    }
    let mut case = stated();
    case.reference_source.clear();
    let told = field(&of_case(case).0, "原机系统时间与标准时间的偏差");
    assert!(told.0.contains("124") && !told.0.contains("（）"), "{told:?}");
    assert_eq!(told.1, 1);
}
