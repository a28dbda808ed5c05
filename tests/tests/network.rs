//! The network is off until it is asked for, sends what it was asked for and nothing else, and stands in the record; a time
//! server's offset is told as it is, and no clock is set. Witnesses are the emulator, which writes every frame down, tcpdump, which
//! reads them, and a chronyd whose clock is off by a known time.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::as_conversions)]

use std::{
    net::UdpSocket,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{MIB, noise},
    guest::Guest,
    network_card::{Cable, Frames, NetworkCard},
    oracle::Oracle,
    time_server::{TimeServer, free_port},
};
use serde_json::{Value, json};

const EVIDENCE: u64 = 8 * MIB;
/// The machine's clock when it is switched on: long before any day on which this runs.
const CLOCK: &str = "2026-03-17T09:12:04";
/// By how much the second server's clock goes ahead.
const AHEAD: f64 = 37.5;
/// What two offsets that were measured one after the other may differ by, on a busy host.
const MEASURED_WITHIN: f64 = 0.3;
/// `date` tells whole seconds.
const SECONDS_WITHIN: f64 = 2.5;

struct Bench {
    guest: Guest,
    oracle: Oracle,
    cards: [NetworkCard; 2],
    /// Names of the two interfaces.
    names: [String; 2],
    logs: PathBuf,
    _folder: tempfile::TempDir,
}

/// A machine with a card in a network and another one at an empty switch.
fn boot(run: &str) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let evidence = Disk::new("evidence", Transport::Ahci, folder.path().join("evidence"));
    std::fs::write(&evidence.image, noise(EVIDENCE as usize)).unwrap();
    let oracle = Oracle::watch(std::slice::from_ref(&evidence)).unwrap();
    let cards = [
        NetworkCard::new("wire", "e1000e", 1, Cable::Network),
        NetworkCard::new("other", "virtio-net-pci", 2, Cable::EmptySwitch),
    ];
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(Artifacts::of_this_build().kernel().unwrap()))
        .clock(CLOCK)
        .disk(evidence);
    let machine = cards.iter().fold(machine, Machine::network_card);
    let logs = Artifacts::of_this_build().log_folder(run).unwrap();
    let mut guest = Guest::boot(machine, &logs).unwrap();
    let names = [0, 1].map(|number| {
        let look = format!("grep -l {} /sys/class/net/*/address", cards[number].mac());
        let path = guest.demand(&look).unwrap();
        Path::new(path.trim()).parent().unwrap().file_name().unwrap().to_string_lossy().into_owned()
    });
    Bench { guest, oracle, cards, names, logs, _folder: folder }
}

impl Bench {
    fn frames(&self, card: usize) -> Frames {
        self.cards[card].frames(&self.logs)
    }

    /// What `pf-net` prints as JSON.
    fn told(&mut self, words: &str) -> Value {
        let text = self.guest.demand(&format!("pf-net --json {words} 2>/dev/null")).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }

    /// Its exit code, and the line that it says last.
    fn refused(&mut self, words: &str) -> (i32, String) {
        let answer = self.guest.run(&format!("pf-net {words} 2>&1")).unwrap();
        let last = answer.output.trim_end().lines().next_back().unwrap_or_default().to_string();
        (answer.status, last)
    }

    fn is_up(&mut self, interface: &str) -> bool {
        let flags = self.guest.demand(&format!("cat /sys/class/net/{interface}/flags")).unwrap();
        u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16).unwrap() & 1 == 1
    }

    /// Seconds since 1970 by the machine's clock.
    fn clock(&mut self) -> f64 {
        self.guest.demand("date +%s").unwrap().trim().parse().unwrap()
    }

    fn nothing_keeps_a_lease(&mut self) {
        let running = self.guest.run("pidof udhcpc").unwrap();
        assert!(!running.succeeded(), "udhcpc runs: {}", running.output);
    }

    /// Images the evidence and returns what the record says of the network.
    fn acquire(&mut self, item: &str) -> Value {
        let disk = self.guest.await_disk(EVIDENCE).unwrap();
        let acquire = format!(
            "mkdir -p /run/items && pf-acquire /dev/{disk} --to /run/items --case T --evidence {item} 2>&1 && \
             pf-verify /run/items/{item}.E01 2>&1"
        );
        self.guest.demand_within(&acquire, Duration::from_secs(240)).unwrap();
        let line = self.guest.demand(&format!("head -n 1 /run/items/{item}.record.jsonl")).unwrap();
        let entry: Value = serde_json::from_str(line.trim()).unwrap();
        entry["environment"]["network"].clone()
    }

    /// Images the evidence, does `words` once the record is begun, and returns what it says of the network at the end.
    fn acquire_meanwhile(&mut self, item: &str, words: &str) -> Value {
        let disk = self.guest.await_disk(EVIDENCE).unwrap();
        let record = format!("/run/items/{item}.record.jsonl");
        let acquire = format!(
            "pf-acquire /dev/{disk} --to /run/items --case T --evidence {item} >/dev/null 2>&1 & run=$!; \
             while [ ! -s {record} ]; do kill -0 $run || break; done; \
             kill -STOP $run; {words}; kill -CONT $run; wait $run"
        );
        self.guest.demand_within(&acquire, Duration::from_secs(240)).unwrap();
        let line = self.guest.demand(&format!("tail -n 1 {record}")).unwrap();
        let entry: Value = serde_json::from_str(line.trim()).unwrap();
        entry["network"].clone()
    }

    fn shown(&mut self, item: &str) -> String {
        self.guest.demand(&format!("pf-record show /run/items/{item}.record.jsonl")).unwrap()
    }
}

fn host_clock() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

fn seconds(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn acts(account: &Value) -> Vec<&str> {
    account["acts"].as_array().unwrap().iter().map(|act| act["act"].as_str().unwrap()).collect()
}

#[test]
fn nothing_is_sent_before_it_is_asked_for_and_then_only_that_and_the_record_says_so() {
    let mut bench = boot("network");
    let (wire, other) = (bench.names[0].clone(), bench.names[1].clone());

    // From power-on through an acquisition not one frame leaves the machine.
    let status = bench.told("");
    for interface in status["interfaces"].as_array().unwrap() {
        assert_eq!(interface["up"], false, "{status}");
    }
    assert_eq!(status["interfaces"].as_array().unwrap().len(), 2, "{status}");
    assert_eq!(bench.acquire("off"), json!({ "state": "off" }));
    assert!(bench.shown("off").contains("Network     off: no interface was up"), "{}", bench.shown("off"));
    for card in [0, 1] {
        assert_eq!(bench.frames(card).sent("").unwrap(), [""; 0], "before anything was asked for");
    }

    by_dhcp(&mut bench, &wire);
    let (true_server, shifted_server) =
        (TimeServer::start("+0").unwrap(), TimeServer::start(&format!("+{AHEAD}s")).unwrap());
    let offset = time_is_told_and_not_set(&mut bench, &true_server, &shifted_server);
    let asked = [true_server.port(), shifted_server.port()];
    names_are_asked_of_the_name_server_alone(&mut bench, &asked);

    let on = bench.acquire("on");
    assert_eq!((&on["state"], &on["up"]), (&json!("on"), &json!([wire])), "{on}");
    assert_eq!(acts(&on["account"]), ["up", "time", "time", "time-failed"], "{on}");
    assert_eq!(on["account"]["acts"][0]["address"], "10.0.2.15/24");
    assert_eq!(on["account"]["acts"][0]["mac"], bench.cards[0].mac());
    assert_eq!(seconds(&on["account"]["acts"][2]["offset_seconds"]), offset);
    let shown = bench.shown("on");
    eprintln!("{shown}");
    let clock = format!("this machine's clock was {offset:.6} s behind {}", shifted_server.seen_by_guest());
    assert!(shown.contains(&format!("Network     ON when the acquisition began: {wire}")), "{shown}");
    assert!(shown.contains(&clock), "{clock}: {shown}");
    assert!(shown.contains(&format!("{wire} up, 10.0.2.15/24 by DHCP")), "{shown}");

    assert_eq!(bench.told(&format!("down {wire}"))["act"], "down");
    assert!(!bench.is_up(&wire));
    bench.nothing_keeps_a_lease();
    assert!(!bench.guest.run("cat /etc/resolv.conf").unwrap().succeeded(), "name servers stay");
    let frames = bench.frames(0);
    let released = |frames: &Frames| {
        frames.sent("udp dst port 67").unwrap().iter().filter(|f| f.contains("Release")).count()
    };
    assert_eq!(released(&frames), 1, "the lease was not given back: {:?}", frames.sent("udp dst port 67"));
    let when_down = frames.sent("").unwrap().len();
    let off = bench.acquire("off-again");
    assert_eq!(off["state"], "off", "{off}");
    assert_eq!(acts(&off["account"]), ["up", "time", "time", "time-failed", "lease-ended", "down"], "{off}");
    assert!(bench.shown("off-again").contains("on before in this boot"));
    assert_eq!(frames.sent("").unwrap().len(), when_down, "frames of an interface that is down");

    let ports = asked.map(|port| format!("udp dst port {port}")).join(" or ");
    let asked_for = format!("arp or udp dst port 67 or {ports} or (udp dst port 53 and dst host 10.0.2.3)");
    assert_eq!(frames.sent_beside(&asked_for).unwrap(), [""; 0], "frames that nobody asked for");
    assert_eq!(frames.sent("ip6").unwrap(), [""; 0]);
    assert_eq!(bench.frames(1).sent("").unwrap(), [""; 0], "{other} was left alone");
    bench.guest.power_off().unwrap();
    assert_eq!(frames.sent("").unwrap().len(), when_down, "frames at power-off");
    bench.oracle.judge(bench.guest.emulator).unwrap()[0].assert_untouched();
}

/// Up by DHCP: requests that tell no name and no vendor, and ask for what is used.
fn by_dhcp(bench: &mut Bench, wire: &str) {
    let up = bench.told(&format!("up {wire} --dhcp"));
    assert_eq!(
        (&up["act"], &up["method"], &up["address"]),
        (&"up".into(), &"dhcp".into(), &"10.0.2.15/24".into()),
        "{up}"
    );
    assert_eq!((&up["gateway"], &up["name_servers"]), (&"10.0.2.2".into(), &json!(["10.0.2.3"])), "{up}");
    let frames = bench.frames(0);
    requests_tell_no_more_than_needed(&frames);
    assert_eq!(frames.sent_beside("arp or udp dst port 67").unwrap(), [""; 0]);
    let address = bench.guest.demand(&format!("ip -4 -o addr show dev {wire}")).unwrap();
    assert!(address.contains("inet 10.0.2.15/24"), "{address}");
    let ipv6 = bench
        .guest
        .demand(&format!("cat /proc/sys/net/ipv6/conf/{wire}/disable_ipv6; cat /proc/net/if_inet6"))
        .unwrap();
    assert_eq!(ipv6.trim(), "1", "IPv6 addresses");
    assert!(bench.guest.demand("pidof udhcpc").is_ok(), "nobody keeps the lease");
    let screen = bench.guest.demand("pf-net").unwrap();
    eprintln!("{screen}");
    assert!(screen.starts_with("Wired network: on, 1 of 2 interfaces up"), "{screen}");
}

fn requests_tell_no_more_than_needed(frames: &Frames) {
    let requests = frames.sent("udp dst port 67").unwrap();
    eprintln!("{}", requests.join("\n"));
    assert!(requests.iter().any(|frame| frame.contains("Discover")), "{requests:?}");
    for request in &requests {
        assert!(!request.contains("Hostname") && !request.contains("Vendor-Class"), "{request}");
        let wanted =
            "Parameter-Request (55), length 3: Subnet-Mask (1), Default-Gateway (3), Domain-Name-Server (6)";
        assert!(request.split_whitespace().collect::<Vec<_>>().join(" ").contains(wanted), "{request}");
    }
}

/// The offset agrees with the host's own clock, and two servers of the same host with each other but for the known shift.
fn time_is_told_and_not_set(bench: &mut Bench, true_server: &TimeServer, shifted: &TimeServer) -> f64 {
    let begun = (bench.clock(), Instant::now());
    let expected = host_clock() - bench.clock();
    let right = bench.told(&format!("time {}", true_server.seen_by_guest()));
    let ahead = bench.told(&format!("time {}", shifted.seen_by_guest()));
    eprintln!("{right}\n{ahead}");
    let (right_offset, ahead_offset) = (seconds(&right["offset_seconds"]), seconds(&ahead["offset_seconds"]));
    assert!((right_offset - expected).abs() < SECONDS_WITHIN, "{right}: {expected} s by the host's clock");
    assert!((ahead_offset - right_offset - AHEAD).abs() < MEASURED_WITHIN, "{right}\n{ahead}");
    for told in [&right, &ahead] {
        assert_eq!((&told["stratum"], &told["leap"]), (&json!(3), &json!("none")), "{told}");
        assert_eq!((&told["asked"], &told["answered"]), (&json!(4), &json!(4)), "{told}");
        assert!(seconds(&told["round_trip_seconds"]) < MEASURED_WITHIN, "{told}");
    }
    // Months of offset would show.
    let passed = bench.clock() - begun.0;
    assert!((passed - begun.1.elapsed().as_secs_f64()).abs() < SECONDS_WITHIN, "the clock was set: {passed}");
    assert!((host_clock() - bench.clock() - expected).abs() < SECONDS_WITHIN, "the clock was set");
    for server in [true_server, shifted] {
        let questions = bench.frames(0).sent(&format!("udp dst port {}", server.port())).unwrap();
        assert_eq!(questions.len(), 4, "{questions:?}");
    }
    ahead_offset
}

/// A name that cannot exist (RFC 6761, clause 6.4) is asked of the name server that the lease named.
fn names_are_asked_of_the_name_server_alone(bench: &mut Bench, asked: &[u16]) {
    let (code, said) = bench.refused("time no-such-server.invalid");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("no-such-server.invalid: no IPv4 address is known for it"), "{said}");
    let ports: Vec<String> = asked.iter().map(|port| format!("udp dst port {port}")).collect();
    let others = format!("arp or udp dst port 67 or {}", ports.join(" or "));
    let names = bench.frames(0).sent_beside(&others).unwrap();
    assert!(!names.is_empty() && names.iter().all(|frame| frame.contains("> 10.0.2.3.53")), "{names:?}");
}

#[test]
fn what_cannot_be_is_told_in_one_line_and_leaves_the_interface_down() {
    let mut bench = boot("network-errors");
    let (wire, other) = (bench.names[0].clone(), bench.names[1].clone());
    let check = |bench: &mut Bench, words: &str, code: i32, part: &str| {
        let (ended, said) = bench.refused(words);
        eprintln!("pf-net {words}\n    {ended}: {said}");
        assert!(
            ended == code && said.starts_with("pf-net: ") && said.contains(part),
            "{words}: {ended}: {said}"
        );
    };
    check(&mut bench, "up nothing0 --dhcp", 2, "nothing0: no wired interface of this name");
    check(&mut bench, "up lo --dhcp", 2, "lo: no wired interface");
    check(&mut bench, "down nothing0", 2, "nothing0: no wired interface");
    assert_eq!(
        bench.told(&format!("down {other}")),
        Value::Null,
        "it was down, and nothing says that it was up"
    );
    let outside = format!("up {wire} --address 10.0.2.77/24 --gateway 192.0.2.1");
    check(&mut bench, &outside, 2, "the gateway 192.0.2.1 does not lie in the network");
    check(&mut bench, "time 10.0.2.2", 2, "10.0.2.2: not reached from here");

    let plug = |bench: &mut Bench, up: bool| {
        let name = bench.cards[0].name().to_string();
        bench.guest.emulator.qmp.execute("set_link", json!({ "name": name, "up": up })).unwrap();
    };
    plug(&mut bench, false);
    check(&mut bench, &format!("up {wire} --dhcp"), 3, &format!("{wire}: no cable"));
    assert!(!bench.is_up(&wire));
    plug(&mut bench, true);
    assert_eq!(bench.frames(0).sent("").unwrap(), [""; 0], "nothing was sent so far");

    check(&mut bench, &format!("up {other} --dhcp"), 4, &format!("{other}: nobody gave a lease by DHCP"));
    assert!(!bench.is_up(&other));
    bench.nothing_keeps_a_lease();
    assert_eq!(bench.frames(1).sent_beside("udp dst port 67").unwrap(), [""; 0]);
    assert!(!bench.frames(1).sent("udp dst port 67").unwrap().is_empty());

    check(&mut bench, &format!("up {wire} --address 10.0.2.3/24"), 5, "another machine has 10.0.2.3 already");
    assert!(!bench.is_up(&wire));
    let up =
        bench.told(&format!("up {wire} --address 10.0.2.77/24 --gateway 10.0.2.2 --name-server 10.0.2.3"));
    assert_eq!(
        (&up["method"], &up["address"], &up["gateway"]),
        (&"static".into(), &"10.0.2.77/24".into(), &"10.0.2.2".into())
    );
    assert_eq!(
        bench.guest.demand("cat /etc/resolv.conf").unwrap().lines().next_back(),
        Some("nameserver 10.0.2.3")
    );
    assert!(bench.guest.demand("ip route").unwrap().contains(&format!("default via 10.0.2.2 dev {wire}")));
    bench.nothing_keeps_a_lease();
    check(&mut bench, &format!("up {wire} --dhcp"), 2, "is up already; pf-net down");

    let server = TimeServer::start("+0").unwrap();
    let told = bench.told(&format!("time {}", server.seen_by_guest()));
    assert!(
        (seconds(&told["offset_seconds"]) - (host_clock() - bench.clock())).abs() < SECONDS_WITHIN,
        "{told}"
    );
    check(&mut bench, &format!("time 10.0.2.2:{}", free_port().unwrap()), 4, "no time came");
    let garbage = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = garbage.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut question = [0; 100];
        while let Ok((_, from)) = garbage.recv_from(&mut question) {
            let _ = garbage.send_to(b"HTTP/1.1 400 Bad Request\r\n\r\n", from);
        }
    });
    check(
        &mut bench,
        &format!("time 10.0.2.2:{port}"),
        5,
        "its answer cannot be used: it has 28 bytes, not the 48 of NTP",
    );

    let on = bench.acquire("static");
    assert_eq!((&on["state"], &on["up"]), (&json!("on"), &json!([wire])), "{on}");
    let done =
        ["time-failed", "up-failed", "up-failed", "up-failed", "up", "time", "time-failed", "time-failed"];
    assert_eq!(acts(&on["account"]), done, "{on}");
    let frames = bench.frames(0);
    assert_eq!(frames.sent("ip and not src host 10.0.2.77").unwrap(), [""; 0], "by static address");
    assert_eq!(frames.sent_beside("arp or udp").unwrap(), [""; 0]);
    assert_eq!(frames.sent("ip6 or udp port 67").unwrap(), [""; 0]);
    bench.told(&format!("down {wire}"));
    assert!(!bench.is_up(&wire));

    let up_and_down = format!("pf-net up {wire} --address 10.0.2.78/24 && pf-net down {wire}");
    let ended = bench.acquire_meanwhile("meanwhile", &up_and_down);
    assert_eq!(ended["state"], "off", "{ended}");
    assert_eq!(acts(&ended["account"])[done.len()..], ["down", "up", "down"], "{ended}");
    let shown = bench.shown("meanwhile");
    assert!(shown.contains("off when the acquisition began; on before in this boot"), "{shown}");
    assert!(shown.contains("off when the acquisition ended; "), "{shown}");
    assert!(shown.contains(&format!("{wire} up, 10.0.2.78/24 static; ")), "{shown}");
    bench.guest.power_off().unwrap();
    bench.oracle.judge(bench.guest.emulator).unwrap()[0].assert_untouched();
}

#[test]
fn a_time_server_leaves_nothing_of_libfaketime_behind() {
    // Of a process that there can't be, and of one that there is.
    let [dead, alive] =
        [u32::MAX, std::process::id()].map(|process| format!("/dev/shm/faketime_shm_{process}"));
    for file in [&dead, &alive] {
        std::fs::write(file, "").unwrap();
    }
    let server = TimeServer::start("+1s").unwrap();
    let alive_stays = Path::new(&alive).exists();
    std::fs::remove_file(&alive).unwrap();
    assert!(alive_stays && !Path::new(&dead).exists());
    let kept = server.shared_memory();
    assert!(kept.iter().all(|file| file.exists()), "libfaketime names {kept:?} otherwise by now");
    drop(server);
    assert!(!kept.iter().any(|file| file.exists()), "{kept:?}");
}
