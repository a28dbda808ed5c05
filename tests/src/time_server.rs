//! A time server of other people's making on this host: chronyd, which is told to leave the host's clock alone, with a clock that is
//! off by as much as the test wants.
//!
//! Debian's package is not installed but unpacked below the cache: installed, it would take the place of the host's own time
//! program and set the host's clock.

use std::{
    fs::{self, File},
    net::UdpSocket,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    Doing, HarnessError, Result,
    artifacts::cache_folder,
    host_program::{HostProgram, find},
};

const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// A port that was free may be taken when the server comes to it.
const PORTS_TRIED: u32 = 5;
/// What chronyd says of a port that is taken; it goes on without one (4.3).
const PORT_TAKEN: &str = "Could not open NTP socket";
/// What libfaketime keeps outside a process while it runs: its number follows (0.9.10).
const SHARED_MEMORY: [&str; 2] = ["/dev/shm/sem.faketime_sem_", "/dev/shm/faketime_shm_"];
/// A client's question: version 4, mode 3 (RFC 5905, figure 8).
const QUESTION: u8 = 0x23;

/// A running time server. Dropping it ends it.
pub struct TimeServer {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl TimeServer {
    /// Starts one at this host's own address, whose clock goes `ahead` of the host's, e.g. `+37.5s`.
    ///
    /// # Errors
    /// [`HarnessError::Missing`] without faketime, [`HarnessError::Program`] when chrony can't be fetched,
    /// [`HarnessError::Deadline`] when it does not answer.
    pub fn start(ahead: &str) -> Result<Self> {
        remove_what_the_killed_left()?;
        let mut server = Self::spawn(ahead)?;
        for _ in 1..PORTS_TRIED {
            match server.await_answer() {
                Err(_) if server.said().contains(PORT_TAKEN) => server = Self::spawn(ahead)?,
                answered => return answered.map(|()| server),
            }
        }
        server.await_answer().map(|()| server)
    }

    fn spawn(ahead: &str) -> Result<Self> {
        let folder = TempDir::new().doing(|| "making a folder".into())?;
        let port = free_port()?;
        let plan = folder.path().join("chrony.conf");
        let process = folder.path().join("process");
        // A server without a server of its own, for this host alone, with no control port.
        let text = format!(
            "port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 3\ncmdport 0\npidfile {}\n",
            process.display()
        );
        fs::write(&plan, text).doing(|| format!("writing {}", plan.display()))?;
        let said = File::create(folder.path().join("said")).doing(|| "making a log".into())?;
        let user = HostProgram::new("id", "coreutils")?.arg("-un").run()?;
        let child = Command::new(find("setpriv", "util-linux")?)
            .args(["--pdeathsig", "KILL", "env"])
            .arg(format!("LD_PRELOAD={}", faketime()?.display()))
            .arg(format!("FAKETIME={ahead}"))
            .arg(chronyd()?)
            // -x: the clock of the host stays as it is.
            .args(["-x", "-d", "-U", "-u", user.trim(), "-f"])
            .arg(&plan)
            .stdin(Stdio::null())
            .stdout(said.try_clone().doing(|| "sharing a log".into())?)
            .stderr(said)
            .spawn()
            .doing(|| "starting chronyd".into())?;
        Ok(TimeServer { child, port, folder })
    }

    /// Where it listens, as the emulated machine sees it: by the address that stands for this host in its network.
    #[must_use]
    pub fn seen_by_guest(&self) -> String {
        format!("10.0.2.2:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What libfaketime keeps outside the process while it runs.
    #[must_use]
    pub fn shared_memory(&self) -> [PathBuf; 2] {
        SHARED_MEMORY.map(|name| format!("{name}{}", self.child.id()).into())
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }

    fn await_answer(&mut self) -> Result<()> {
        let begun = Instant::now();
        let socket = UdpSocket::bind("127.0.0.1:0").doing(|| "making a socket".into())?;
        let mut question = [0_u8; 48];
        question[0] = QUESTION;
        let pause = Duration::from_millis(200);
        socket.set_read_timeout(Some(pause)).doing(|| "making a socket".into())?;
        loop {
            // Nobody may be there yet.
            let sent = socket.send_to(&question, ("127.0.0.1", self.port));
            if sent.is_ok() && socket.recv(&mut question).is_ok() {
                return Ok(());
            }
            question[0] = QUESTION;
            let said = self.said();
            let ended = self.child.try_wait().doing(|| "watching chronyd".into())?;
            if ended.is_some() || said.contains(PORT_TAKEN) || begun.elapsed() > ANSWERS_WITHIN {
                return Err(HarnessError::Unfit(format!("chronyd does not tell the time: {said}")));
            }
            std::thread::sleep(pause);
        }
    }
}

impl Drop for TimeServer {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Who is killed under libfaketime leaves these, and the next process of this number would stumble over them.
        for file in self.shared_memory() {
            let _ = fs::remove_file(file);
        }
    }
}

/// Removes what libfaketime keeps of processes that are no more: killed together with their test, they left it to the next
/// process of their number.
fn remove_what_the_killed_left() -> Result<()> {
    let kept = fs::read_dir("/dev/shm").doing(|| "reading /dev/shm".into())?;
    for path in kept.flatten().map(|entry| entry.path()) {
        let shown = path.to_string_lossy();
        let process = SHARED_MEMORY.iter().find_map(|name| shown.strip_prefix(name)?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            // Another run may have been faster.
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

/// A port of this host that nobody listens at now.
///
/// # Errors
/// [`HarnessError::Host`].
pub fn free_port() -> Result<u16> {
    let socket = UdpSocket::bind("127.0.0.1:0").doing(|| "looking for a free port".into())?;
    Ok(socket.local_addr().doing(|| "looking for a free port".into())?.port())
}

/// What shifts the clock of a program (libfaketime): below the folder of the host's own architecture.
fn faketime() -> Result<PathBuf> {
    let below = fs::read_dir("/usr/lib").doing(|| "reading /usr/lib".into())?;
    below
        .flatten()
        .map(|entry| entry.path().join("faketime/libfaketime.so.1"))
        .find(|path| path.is_file())
        .ok_or_else(|| HarnessError::Missing {
            program: "libfaketime.so.1".into(),
            package: "faketime".into(),
        })
}

/// chronyd of this host, or of the package unpacked below the cache.
fn chronyd() -> Result<PathBuf> {
    if let Ok(path) = find("chronyd", "chrony") {
        return Ok(path);
    }
    let cache = cache_folder()?;
    let folder = cache.join("chrony");
    let program = folder.join("usr/sbin/chronyd");
    let lock = cache.join("chrony.lock");
    let lock = File::create(&lock).doing(|| format!("making {}", lock.display()))?;
    lock.lock().doing(|| "locking the cache".into())?;
    if !program.is_file() {
        unpack(&cache, &folder)?;
    }
    Ok(program)
}

fn unpack(cache: &Path, folder: &Path) -> Result<()> {
    let draft = tempfile::tempdir_in(cache).doing(|| "making a folder".into())?;
    HostProgram::new("env", "coreutils")?
        .arg("-C")
        .arg(draft.path())
        .args(["apt-get", "-q", "download", "chrony"])
        .run()?;
    let package = fs::read_dir(draft.path())
        .doing(|| "looking for chrony".into())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "deb"))
        .ok_or_else(|| HarnessError::Unfit("apt-get download chrony left no package".into()))?;
    let unpacked = draft.path().join("unpacked");
    HostProgram::new("dpkg", "dpkg")?.arg("-x").arg(&package).arg(&unpacked).run()?;
    if folder.exists() {
        fs::remove_dir_all(folder).doing(|| format!("emptying {}", folder.display()))?;
    }
    fs::rename(&unpacked, folder).doing(|| format!("making {}", folder.display()))
}
