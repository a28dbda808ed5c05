//! A disk image behind a server that stands in for a failing surface: the first read that meets its bad sectors makes the
//! sectors around them bad as well, for good.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Doing, HarnessError, Result, host_program::find};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// An NBD server with one image.
pub struct WorseningDisk {
    server: Child,
    socket: PathBuf,
    /// There once it has got worse.
    worse: PathBuf,
}

impl WorseningDisk {
    /// Serves `image` at a socket in `folder`, whose path must be short. Of `grown`, sectors of 512 bytes, those of `bad`
    /// can't be read from the beginning.
    ///
    /// # Errors
    /// [`HarnessError`] when the server does not come up.
    pub fn serve(
        image: &Path,
        name: &str,
        folder: &Path,
        bad: &Range<u64>,
        grown: &Range<u64>,
    ) -> Result<Self> {
        let socket = folder.join(name);
        let worse = folder.join(format!("{name}.worse"));
        let (image, mark) = (image.display(), worse.display());
        let bytes = |range: &Range<u64>| (range.start * 512, range.end * 512);
        let ((first, end), (first_grown, end_grown)) = (bytes(bad), bytes(grown));
        // Of the arguments the third is the length, the fourth the offset; what is an error is said so on standard error.
        let read = format!(
            "first={first}; end={end}; \
             if [ -e '{mark}' ]; then first={first_grown}; end={end_grown}; fi; \
             if [ $4 -lt $end ] && [ $(($4 + $3)) -gt $first ]; then : > '{mark}'; echo EIO >&2; exit 1; fi; \
             dd if='{image}' iflag=skip_bytes,count_bytes,fullblock skip=$4 count=$3 bs=64k status=none"
        );
        let write = format!(
            "dd of='{image}' oflag=seek_bytes iflag=fullblock seek=$4 bs=64k conv=notrunc status=none"
        );
        let server = Command::new(find("nbdkit", "nbdkit")?)
            .args(["--foreground", "--exit-with-parent", "--unix"])
            .arg(&socket)
            .arg("eval")
            .arg(format!("get_size=stat -L -c %s '{image}'"))
            .arg(format!("pread={read}"))
            .arg(format!("pwrite={write}"))
            .stdin(Stdio::null())
            .spawn()
            .doing(|| "starting nbdkit".into())?;
        let disk = WorseningDisk { server, socket, worse };
        let deadline = Instant::now() + READY_WITHIN;
        while !disk.socket.exists() {
            if Instant::now() > deadline {
                return Err(HarnessError::Unfit("nbdkit opened no socket".into()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(disk)
    }

    /// As it was in the beginning, for another program to meet the same disk. Tells whether it had got worse.
    ///
    /// # Errors
    /// [`HarnessError::Io`].
    pub fn begin_again(&self) -> Result<bool> {
        let was_worse = self.worse.exists();
        if was_worse {
            std::fs::remove_file(&self.worse).doing(|| format!("removing {}", self.worse.display()))?;
        }
        Ok(was_worse)
    }

    /// Where it is served.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for WorseningDisk {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
