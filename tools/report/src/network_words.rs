//! What the network of the acquiring machine was, what had been done with it in that boot, and how far a time server found its
//! clock to be off.

use crate::language::Language;
use crate::text::clipped;
use record::{Closed, Environment, Network, NetworkState};
use serde_json::Value;

/// Acts that are told, the newest.
const MOST_ACTS: usize = 32;

/// Characters of a text of an act.
const TEXT: usize = 200;

/// Characters of all acts together.
const ALL: usize = 6000;

/// Whether it was on, or `None` where the record does not tell.
pub fn state(environment: &Environment, language: Language) -> Option<String> {
    let network = environment.network.as_ref()?;
    Some(match network.state {
        NetworkState::On => {
            let names = clipped(network.up.join(", "), TEXT);
            format!("{}{names}", language.pick("ON when the acquisition began: ", "取证开始时处于开启状态："))
        }
        NetworkState::Off => match before(network) {
            Some(true) => language.pick(
                "off when the acquisition began; on before in this boot",
                "取证开始时已关闭；本次启动后曾开启过",
            ),
            Some(false) => language.pick(
                "off: no interface was up when the acquisition began",
                "关闭：取证开始时没有启用任何网络接口",
            ),
            None => language.pick(
                "off when the acquisition began; whether it was on earlier in this boot is not known",
                "取证开始时处于关闭状态；本次启动后此前是否开启过，未知",
            ),
        }
        .to_owned(),
    })
}

/// What was done with it in that boot, an act a sentence; `None` where nothing was.
pub fn acts(environment: &Environment, language: Language) -> Option<String> {
    let network = environment.network.as_ref()?;
    if let Some(problem) = &network.account_problem {
        let unknown = language.pick("not known", "未知");
        return Some(clipped(format!("{unknown}: {problem}"), TEXT));
    }
    let untold = list(network).len().saturating_sub(MOST_ACTS);
    let mut sentences: Vec<String> = list(network).skip(untold).map(|act| sentence(act, language)).collect();
    let left_out = omitted(network).saturating_add(u64::try_from(untold).unwrap_or(u64::MAX));
    if left_out > 0 {
        let words = language.pick("others are not listed", "项其他操作未列出");
        sentences.insert(0, format!("{left_out} {words}"));
    }
    (!sentences.is_empty()).then(|| clipped(sentences.join("; "), ALL))
}

/// The last time that a server told; `None` where none did.
pub fn time_reference(environment: &Environment, language: Language) -> Option<String> {
    let act = list(environment.network.as_ref()?).rfind(|act| is(act, "time"))?;
    let by = number(act, "offset_seconds")?;
    let within = number(act, "within_seconds").unwrap_or(f64::INFINITY);
    let (server, time) = (text(act, "server"), text(act, "time"));
    let seconds = by.abs();
    let told = match language {
        Language::English => {
            let way = if by < 0.0 { "ahead of" } else { "behind" };
            format!(
                "at {time} this machine's clock was {seconds:.6} s {way} {server}, give or take {within:.6} s; pf-net did not set it"
            )
        }
        Language::Chinese => {
            let way = if by < 0.0 { "快" } else { "慢" };
            format!(
                "{time} 本机时钟比 {server} {way} {seconds:.6} 秒，误差不超过 {within:.6} 秒；pf-net 未调整时钟"
            )
        }
    };
    Some(clipped(told, TEXT.saturating_mul(4)))
}

/// What it was at the end, and what `pf-net` had done meanwhile; `None` where that is what the beginning tells, and where the
/// record does not tell it.
pub fn at_the_end(environment: &Environment, closed: Option<&Closed>, language: Language) -> Option<String> {
    let network = closed?.network.as_ref()?;
    let before = environment.network.as_ref();
    if before.is_some_and(|before| before == network) {
        return None;
    }
    let state = match network.state {
        NetworkState::On => {
            let names = clipped(network.up.join(", "), TEXT);
            format!("{}{names}", language.pick("ON when the acquisition ended: ", "取证结束时处于开启状态："))
        }
        NetworkState::Off => {
            language.pick("off when the acquisition ended", "取证结束时处于关闭状态").to_owned()
        }
    };
    let mut told = vec![state];
    if let Some(problem) = &network.account_problem {
        let unknown = language.pick("what was done meanwhile is not known", "其间的操作未知");
        told.push(clipped(format!("{unknown}: {problem}"), TEXT));
    }
    let lost = omitted(network).saturating_sub(before.map_or(0, omitted));
    if lost > 0 {
        let words = language.pick("acts are not listed any more", "项操作不再列出");
        told.push(format!("{lost} {words}"));
    }
    let news = list(network).filter(|act| before.is_none_or(|before| !tells_of(before, act)));
    told.extend(news.take(MOST_ACTS).map(|act| sentence(act, language)));
    Some(clipped(told.join("; "), ALL))
}

/// Whether the account of `network` has `act`; how long a lease holds changes with each renewal.
fn tells_of(network: &Network, act: &Value) -> bool {
    let but_for_lease = |act: &Value| {
        let mut act = act.clone();
        act.as_object_mut().and_then(|fields| fields.remove("lease_seconds"));
        act
    };
    let act = but_for_lease(act);
    list(network).any(|known| but_for_lease(known) == act)
}

/// Acts that an interface was up for, or that took it down; one that failed to come up may tell that it never was.
const ON: [&str; 6] = ["up-begun", "up", "up-failed", "down", "lease-ended", "time"];

/// Whether it was on earlier in that boot; `None` where the acts that are known tell of nothing, but are not all that there were.
fn before(network: &Network) -> Option<bool> {
    let was_on = list(network).any(|act| ON.iter().any(|word| is(act, word)) && !stayed_down(act));
    let account = network.account.as_ref();
    let has_acts = account.is_none_or(|account| account.get("acts").is_some_and(Value::is_array));
    let is_whole = network.account_problem.is_none() && omitted(network) == 0 && has_acts;
    (was_on || is_whole).then_some(was_on)
}

/// Records of earlier versions do not tell: there a frame may have left.
fn stayed_down(act: &Value) -> bool {
    is(act, "up-failed") && act.get("link_up") == Some(&Value::Bool(false))
}

/// How many acts the account itself leaves out.
fn omitted(network: &Network) -> u64 {
    let omitted = network.account.as_ref().and_then(|account| account.get("omitted")?.as_u64());
    omitted.unwrap_or_default()
}

fn list(network: &Network) -> std::slice::Iter<'_, Value> {
    let acts = network.account.as_ref().and_then(|account| account.get("acts")?.as_array());
    acts.map(Vec::as_slice).unwrap_or_default().iter()
}

fn is(act: &Value, word: &str) -> bool {
    act.get("act").and_then(Value::as_str) == Some(word)
}

fn number(act: &Value, field: &str) -> Option<f64> {
    act.get(field)?.as_f64()
}

/// Missing ones stay empty: whoever writes a record may leave out what he likes.
fn text(act: &Value, field: &str) -> String {
    clipped(act.get(field).and_then(Value::as_str).unwrap_or_default(), TEXT)
}

fn sentence(act: &Value, language: Language) -> String {
    let [time, interface, address] = ["time", "interface", "address"].map(|field| text(act, field));
    let [server, reason] = ["server", "reason"].map(|field| text(act, field));
    let method = match text(act, "method").as_str() {
        "dhcp" => language.pick("by DHCP", "由 DHCP 分配").to_owned(),
        "static" => language.pick("static", "静态地址").to_owned(),
        other => other.to_owned(),
    };
    let pick = |english: String, chinese: String| match language {
        Language::English => english,
        Language::Chinese => chinese,
    };
    let did = match text(act, "act").as_str() {
        "up" => pick(
            format!("{interface} up, {address} {method}"),
            format!("{interface} 启用，{address}（{method}）"),
        ),
        "up-begun" => pick(
            format!("{interface}: bringing it up was begun; how that ended is not written down"),
            format!("{interface} 开始启用，结果未记录"),
        ),
        "up-failed" => {
            pick(format!("{interface} not brought up: {reason}"), format!("{interface} 未能启用：{reason}"))
        }
        "lease-ended" => pick(
            format!("{interface}: the lease of {address} ended"),
            format!("{interface}：{address} 的租约结束"),
        ),
        "down" => pick(format!("{interface} down"), format!("{interface} 停用")),
        "time" => {
            let offset = number(act, "offset_seconds").unwrap_or(f64::NAN);
            let stratum = act.get("stratum").and_then(Value::as_u64).unwrap_or_default();
            pick(
                format!("asked {server} ({address}) for the time: offset {offset:+.6} s, stratum {stratum}"),
                format!("向 {server}（{address}）查询时间：偏差 {offset:+.6} 秒，层级 {stratum}"),
            )
        }
        "time-failed" => pick(
            format!("asked {server} for the time in vain: {reason}"),
            format!("向 {server} 查询时间失败：{reason}"),
        ),
        other => other.to_owned(),
    };
    format!("{time} {did}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Outcome;
    use serde_json::json;

    const ENGLISH: Language = Language::English;

    fn environment(state: NetworkState, acts: Value) -> Environment {
        let up = if state == NetworkState::On { vec!["eth0".to_owned()] } else { vec![] };
        let account = Some(json!({ "acts": acts, "omitted": 0 }));
        let network = Network { state, up, account, account_problem: None };
        Environment { network: Some(network), ..Environment::default() }
    }

    fn done() -> Value {
        json!([
            { "time": "2026-03-17T09:00:00Z", "act": "up", "interface": "eth0", "method": "dhcp", "address": "10.0.2.15/24" },
            { "time": "2026-03-17T09:01:00Z", "act": "time", "server": "ntp.example", "address": "192.0.2.1:123",
              "offset_seconds": 3.5, "within_seconds": 0.02, "stratum": 2 },
            { "time": "2026-03-17T09:02:00Z", "act": "down", "interface": "eth0" },
        ])
    }

    #[test]
    fn on_off_and_on_before_are_told_apart_in_both_languages() {
        let told = |state_, acts| state(&environment(state_, acts), ENGLISH).unwrap();
        assert_eq!(told(NetworkState::Off, json!([])), "off: no interface was up when the acquisition began");
        assert!(told(NetworkState::Off, done()).ends_with("on before in this boot"));
        assert_eq!(told(NetworkState::On, json!([])), "ON when the acquisition began: eth0");
        let chinese = state(&environment(NetworkState::Off, json!([])), Language::Chinese).unwrap();
        assert_eq!(chinese, "关闭：取证开始时没有启用任何网络接口");
    }

    #[test]
    fn each_act_that_needs_an_interface_tells_that_it_was_on_even_where_older_acts_are_lost() {
        for word in ["up-begun", "up", "up-failed", "down", "lease-ended", "time"] {
            let off = environment(NetworkState::Off, json!([{ "act": "time-failed" }, { "act": word }]));
            let told = state(&off, ENGLISH).unwrap();
            assert_eq!(told, "off when the acquisition began; on before in this boot", "{word}");
        }
        let off = environment(NetworkState::Off, json!([{ "act": "time-failed" }]));
        assert!(state(&off, ENGLISH).unwrap().starts_with("off: no interface was up"));
    }

    #[test]
    fn an_interface_whose_link_never_came_up_was_not_on() {
        let told = |link_up: Value| {
            let acts = json!([{ "act": "up-failed", "interface": "eth0", "link_up": link_up }]);
            state(&environment(NetworkState::Off, acts), ENGLISH).unwrap()
        };
        assert!(told(json!(false)).starts_with("off: no interface was up"), "{}", told(json!(false)));
        for unknown in [json!(true), Value::Null, json!("false"), json!(0)] {
            assert!(told(unknown.clone()).ends_with("on before in this boot"), "{unknown}");
        }
    }

    #[test]
    fn what_was_cut_short_is_told_as_a_beginning() {
        let begun = json!([{ "act": "up-begun", "time": "T", "interface": "eth0", "method": "dhcp" }]);
        let begun = environment(NetworkState::Off, begun);
        let told = acts(&begun, ENGLISH).unwrap();
        assert_eq!(told, "T eth0: bringing it up was begun; how that ended is not written down");
        assert_eq!(acts(&begun, Language::Chinese).unwrap(), "T eth0 开始启用，结果未记录");
    }

    #[test]
    fn where_acts_are_lost_the_words_do_not_say_that_it_was_never_on() {
        let with = |account: Value, problem: Option<&str>| {
            let mut told = environment(NetworkState::Off, json!([]));
            if let Some(network) = &mut told.network {
                network.account = (!account.is_null()).then_some(account);
                network.account_problem = problem.map(str::to_owned);
            }
            told
        };
        for lost in [
            with(json!({ "acts": [{ "act": "time-failed" }], "omitted": 1 }), None),
            with(Value::Null, Some("no account")),
            with(json!([]), None),
        ] {
            let told = state(&lost, ENGLISH).unwrap();
            assert_eq!(
                told,
                "off when the acquisition began; whether it was on earlier in this boot is not known"
            );
            let told = state(&lost, Language::Chinese).unwrap();
            assert_eq!(told, "取证开始时处于关闭状态；本次启动后此前是否开启过，未知");
        }
        let kept = with(json!({ "acts": [{ "act": "down" }], "omitted": 1 }), None);
        assert!(state(&kept, ENGLISH).unwrap().ends_with("on before in this boot"));
        let never = with(Value::Null, None);
        assert!(state(&never, ENGLISH).unwrap().starts_with("off: no interface was up"));
    }

    #[test]
    fn acts_and_the_last_time_reference_stand_in_words() {
        let environment = environment(NetworkState::Off, done());
        let told = acts(&environment, ENGLISH).unwrap();
        assert!(
            told.starts_with(
                "2026-03-17T09:00:00Z eth0 up, 10.0.2.15/24 by DHCP; 2026-03-17T09:01:00Z asked"
            ),
            "{told}"
        );
        assert!(told.contains("offset +3.500000 s, stratum 2") && told.ends_with("eth0 down"), "{told}");
        let clock = time_reference(&environment, ENGLISH).unwrap();
        assert_eq!(
            clock,
            "at 2026-03-17T09:01:00Z this machine's clock was 3.500000 s behind ntp.example, give or take 0.020000 s; pf-net did not set it"
        );
        let clock = time_reference(&environment, Language::Chinese).unwrap();
        assert!(
            clock.contains("本机时钟比 ntp.example 慢 3.500000 秒") && clock.ends_with("；pf-net 未调整时钟"),
            "{clock}"
        );
    }

    /// The end of an acquisition whose network was then as `environment` tells.
    fn ended(environment: Environment) -> Closed {
        let network = environment.network;
        Closed { outcome: Outcome::Complete, guard_state: None, refused: None, network }
    }

    #[test]
    fn what_changed_while_it_ran_is_told_and_nothing_where_nothing_did() {
        let told = |began: &Environment, ended: &Closed| at_the_end(began, Some(ended), ENGLISH);
        let (off, on) = (environment(NetworkState::Off, json!([])), environment(NetworkState::On, json!([])));
        assert_eq!(told(&off, &ended(off.clone())), None);
        assert_eq!(told(&on, &ended(on.clone())), None);
        assert_eq!(told(&off, &ended(on.clone())).as_deref(), Some("ON when the acquisition ended: eth0"));
        assert_eq!(told(&on, &ended(off.clone())).as_deref(), Some("off when the acquisition ended"));
        // Up and down again meanwhile.
        let between = told(&off, &ended(environment(NetworkState::Off, done()))).unwrap();
        assert!(
            between.starts_with("off when the acquisition ended; 2026-03-17T09:00:00Z eth0 up, 10.0.2.15/24"),
            "{between}"
        );
        assert!(between.ends_with("2026-03-17T09:02:00Z eth0 down"), "{between}");
        let chinese = at_the_end(&off, Some(&ended(on)), Language::Chinese).unwrap();
        assert_eq!(chinese, "取证结束时处于开启状态：eth0");
        // A record that was never closed, and one of a version that did not tell.
        assert_eq!(at_the_end(&off, None, ENGLISH), None);
        assert_eq!(told(&off, &ended(Environment::default())), None);
    }

    #[test]
    fn only_acts_of_meanwhile_are_told_and_a_renewed_lease_is_none() {
        let mut acts = done();
        let began = environment(NetworkState::On, json!([acts[0]]));
        acts[0]["lease_seconds"] = json!(60);
        let told = at_the_end(&began, Some(&ended(environment(NetworkState::Off, acts))), ENGLISH).unwrap();
        assert!(told.starts_with("off when the acquisition ended; 2026-03-17T09:01:00Z asked"), "{told}");
    }

    #[test]
    fn acts_that_are_lost_at_the_end_are_counted_or_not_known() {
        let began = environment(NetworkState::Off, json!([]));
        let mut closed = ended(began.clone());
        let network = closed.network.as_mut().unwrap();
        network.account = Some(json!({ "acts": [], "omitted": 3 }));
        let told = at_the_end(&began, Some(&closed), ENGLISH).unwrap();
        assert_eq!(told, "off when the acquisition ended; 3 acts are not listed any more");
        let network = closed.network.as_mut().unwrap();
        (network.account, network.account_problem) = (None, Some("no account".to_owned()));
        let told = at_the_end(&began, Some(&closed), ENGLISH).unwrap();
        assert_eq!(told, "off when the acquisition ended; what was done meanwhile is not known: no account");
        // As long as it likes, and of any shape.
        let network = closed.network.as_mut().unwrap();
        network.up = vec!["\u{1b}[2J".repeat(1000); 100];
        network.state = NetworkState::On;
        network.account = Some(json!({ "acts": vec![json!({ "act": "漢\u{1b}".repeat(10_000) }); 1000] }));
        let told = at_the_end(&began, Some(&closed), ENGLISH).unwrap();
        assert!(told.chars().count() < ALL + 30 && !told.contains('\u{1b}'), "{told}");
    }

    #[test]
    fn what_is_not_listed_is_counted() {
        let act = done()[2].clone();
        let mut many = environment(NetworkState::Off, json!(vec![act; MOST_ACTS + 3]));
        let told = |environment: &Environment| acts(environment, ENGLISH).unwrap();
        assert!(told(&many).starts_with("3 others are not listed; 2026-"), "{}", told(&many));
        if let Some(account) = many.network.as_mut().and_then(|network| network.account.as_mut()) {
            account["omitted"] = json!(4);
        }
        assert!(told(&many).starts_with("7 others are not listed; "), "{}", told(&many));
        assert!(!told(&environment(NetworkState::Off, done())).contains("not listed"));
    }

    #[test]
    fn a_record_that_does_not_tell_has_no_line_and_a_hostile_one_no_long_line() {
        let silent = Environment::default();
        assert_eq!(
            [state(&silent, ENGLISH), acts(&silent, ENGLISH), time_reference(&silent, ENGLISH)],
            [None, None, None]
        );
        let long = "\u{1b}[2J漢".repeat(10_000);
        for acts_ in [
            json!(1),
            json!([null, 1, [], {}, { "act": 1 }, { "act": "up", "interface": [] }]),
            json!([{ "act": "time", "server": &long, "offset_seconds": 1e308, "within_seconds": -1e308, "time": &long }]),
            json!(vec![json!({ "act": &long, "time": &long }); 1000]),
        ] {
            let hostile = environment(NetworkState::On, acts_);
            for told in [acts(&hostile, ENGLISH), time_reference(&hostile, ENGLISH)].into_iter().flatten() {
                assert!(told.chars().count() < ALL + 30 && !told.contains('\u{1b}'), "{told}");
            }
        }
        let mut lost = environment(NetworkState::Off, json!([]));
        if let Some(network) = &mut lost.network {
            (network.account, network.account_problem) = (None, Some("no account".to_owned()));
        }
        assert_eq!(acts(&lost, ENGLISH).as_deref(), Some("not known: no account"));
    }
}
