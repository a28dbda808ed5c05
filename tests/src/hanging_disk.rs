//! A disk image behind a server that can be stopped: reads of it then neither succeed nor fail.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    Doing, HarnessError, Result,
    host_program::{HostProgram, find},
};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// An NBD server with one image.
pub struct HangingDisk {
    server: Child,
    socket: PathBuf,
}

impl HangingDisk {
    /// Serves `image` under `name` at a socket in `folder`, whose path must be short.
    ///
    /// # Errors
    /// [`HarnessError`] when the server does not come up.
    pub fn serve(image: &Path, name: &str, folder: &Path) -> Result<Self> {
        let socket = folder.join(name);
        let server = Command::new(find("setpriv", "util-linux")?)
            .args(["--pdeathsig", "KILL"])
            .arg(find("qemu-storage-daemon", "qemu-utils")?)
            .arg("--blockdev")
            .arg(format!(r#"{{"driver":"file","node-name":"image","filename":"{}"}}"#, image.display()))
            .arg("--nbd-server")
            .arg(format!("addr.type=unix,addr.path={}", socket.display()))
            .arg("--export")
            .arg(format!("type=nbd,id={name},node-name=image,name={name},writable=on"))
            .stdin(Stdio::null())
            .spawn()
            .doing(|| "starting qemu-storage-daemon".into())?;
        let disk = HangingDisk { server, socket };
        let deadline = Instant::now() + READY_WITHIN;
        while !disk.socket.exists() {
            if Instant::now() > deadline {
                return Err(HarnessError::Unfit("qemu-storage-daemon opened no socket".into()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(disk)
    }

    /// Where it is served.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// From now on the disk gives no answer.
    ///
    /// # Errors
    /// [`HarnessError::Program`].
    pub fn hang(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// It answers again, also what it was asked meanwhile.
    ///
    /// # Errors
    /// [`HarnessError::Program`].
    pub fn go_on(&self) -> Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let id = self.server.id().to_string();
        HostProgram::new("kill", "procps")?.args([signal, &id]).run().map(|_| ())
    }
}

impl Drop for HangingDisk {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
