//! `cargo xtask sign`: an image whose kernel a lab has signed with its own key, for machines with Secure Boot on.
//!
//! The signature is Authenticode, as UEFI has it (UEFI Specification, Secure Boot and Driver Signing), made by sbsigntool.
//! shim is signed by Microsoft and GRUB by Debian; shim checks the kernel by the keys that this machine knows: its
//! firmware's `db` and the list of its owner's keys (MokList). See image-build/SECURE-BOOT.md.

use crate::debian_packages::{self, Need};
use crate::error::{Doing, Result, XtaskError};
use crate::process::Program;
use crate::stages::Stages;
use crate::{boot_media, workspace};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

/// Shorter ones can be broken, and firmware takes none longer than the other.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=4096;

/// What can be said about a signature.
#[derive(Args)]
pub struct Arguments {
    /// The private key (PEM); openssl or sbsign ask for its passphrase
    #[arg(long, value_name = "FILE", required_unless_present = "signature", conflicts_with = "signature")]
    key: Option<PathBuf>,
    /// The certificate of that key (PEM, X.509, RSA of 2048 to 4096 bits)
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// A signature made on another machine: `sbsign --detached --key … --cert … --output FILE bzImage`
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Folder with bzImage, where the signed image goes too; target/permafrost when not named
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Makes `permafrost-signed.iso` of `bzImage`.
pub fn run(arguments: &Arguments, stages: &mut Stages) -> Result<()> {
    let folder = arguments.folder.clone().map_or_else(workspace::outputs, Ok)?;
    let kernel = folder.join("bzImage");
    if !kernel.is_file() {
        return Err(XtaskError::Unfit(format!(
            "{} is not there; first run: cargo xtask image",
            kernel.display()
        )));
    }
    stages.run("packages for signing", || debian_packages::ensure(&[Need::Build, Need::Sign]))?;
    let work = tempfile::tempdir().doing(|| "making a scratch folder".to_owned())?;
    let certificate = Certificate::read(&arguments.certificate)?;
    let signed = work.path().join("bzImage");
    stages.run("signature", || {
        let made = work.path().join("bzImage.p7");
        let signature = match (&arguments.signature, &arguments.key) {
            (Some(signature), _) => signature,
            (None, Some(key)) => {
                certificate.demand_key(key)?;
                certificate.sign(key, &kernel, &made)?;
                &made
            }
            (None, None) => {
                return Err(XtaskError::Unfit("neither a key nor a signature is given".to_owned()));
            }
        };
        attach(signature, &kernel, &signed)?;
        certificate.demand_signature(&signed, signature)
    })?;
    let iso = folder.join("permafrost-signed.iso");
    stages.run("signed image", || {
        let der = work.path().join("certificate");
        certificate.write_der(&der)?;
        boot_media::write(&signed, Some(&der), &iso)
    })?;
    eprintln!("    {}\n    SHA-256     {}", iso.display(), workspace::sha256_of_file(&iso)?);
    eprintln!("    certificate {}\n    fingerprint {}", certificate.subject()?, certificate.fingerprint()?);
    Ok(())
}

/// A certificate whose key may sign.
struct Certificate<'a> {
    path: &'a Path,
}

impl<'a> Certificate<'a> {
    /// Reads one and looks whether shim and firmware will take its key.
    fn read(path: &'a Path) -> Result<Self> {
        let certificate = Self { path };
        let text = certificate
            .openssl(&["-text"])
            .map_err(|_| XtaskError::Unfit(format!("{} is no certificate in PEM", path.display())))?;
        match rsa_bits(&text) {
            Some(bits) if RSA_BITS.contains(&bits) => Ok(certificate),
            Some(bits) => Err(XtaskError::Unfit(format!(
                "{}: an RSA key of {bits} bits; firmware takes {} to {}",
                path.display(),
                RSA_BITS.start(),
                RSA_BITS.end()
            ))),
            None => {
                Err(XtaskError::Unfit(format!("{}: not an RSA key, and shim knows no other", path.display())))
            }
        }
    }

    fn openssl(&self, words: &[&str]) -> Result<String> {
        Program::new("openssl").args(["x509", "-noout", "-in"]).arg(self.path).args(words).read()
    }

    /// Refuses a key that is not the certificate's.
    fn demand_key(&self, key: &Path) -> Result<()> {
        let public = Program::new("openssl").args(["pkey", "-pubout", "-in"]).arg(key).interactive().read();
        let public =
            public.map_err(|_| XtaskError::Unfit(format!("{} is no private key in PEM", key.display())))?;
        if public.trim() == self.openssl(&["-pubkey"])?.trim() {
            return Ok(());
        }
        Err(XtaskError::Unfit(format!("{} is not the key of {}", key.display(), self.path.display())))
    }

    /// Signs `kernel` into a file of its own. sbsign writes the time into the signature; so that the same key makes the
    /// same bytes on any day, that is the first second of the certificate.
    fn sign(&self, key: &Path, kernel: &Path, signature: &Path) -> Result<()> {
        let said = self.openssl(&["-startdate", "-dateopt", "iso_8601"])?;
        let begin = said.trim().trim_start_matches("notBefore=").trim_end_matches('Z');
        Program::new("faketime")
            .args(["-f", begin, "sbsign", "--detached", "--key"])
            .arg(key)
            .arg("--cert")
            .arg(self.path)
            .arg("--output")
            .arg(signature)
            .arg(kernel)
            .interactive()
            .read()
            .map(|_| ())
    }

    /// Refuses a kernel that this certificate does not vouch for.
    fn demand_signature(&self, signed: &Path, signature: &Path) -> Result<()> {
        let verified = Program::new("sbverify").arg("--cert").arg(self.path).arg(signed).read();
        verified.map(|_| ()).map_err(|_| {
            XtaskError::Unfit(format!(
                "{} is no signature of this bzImage by the key of {}",
                signature.display(),
                self.path.display()
            ))
        })
    }

    fn write_der(&self, to: &Path) -> Result<()> {
        Program::new("openssl")
            .args(["x509", "-outform", "DER", "-in"])
            .arg(self.path)
            .arg("-out")
            .arg(to)
            .run()
    }

    fn subject(&self) -> Result<String> {
        Ok(self.openssl(&["-subject"])?.trim().trim_start_matches("subject=").to_owned())
    }

    /// As MokManager shows it to who enrols it: SHA-1, and SHA-256 for people.
    fn fingerprint(&self) -> Result<String> {
        let sha256 = self.openssl(&["-fingerprint", "-sha256"])?;
        let sha1 = self.openssl(&["-fingerprint", "-sha1"])?;
        Ok(format!("{}\n                {}", sha256.trim(), sha1.trim()))
    }
}

/// Puts a signature into a copy of the kernel.
fn attach(signature: &Path, kernel: &Path, signed: &Path) -> Result<()> {
    workspace::copy(kernel, signed)?;
    // The copy of a file that is read-only is so too.
    let mut permissions =
        fs::metadata(signed).doing(|| format!("looking at {}", signed.display()))?.permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "a scratch file of this user's own")]
    permissions.set_readonly(false);
    fs::set_permissions(signed, permissions).doing(|| format!("changing {}", signed.display()))?;
    let attached = Program::new("sbattach").arg("--attach").arg(signature).arg(signed).read();
    attached
        .map(|_| ())
        .map_err(|_| XtaskError::Unfit(format!("{} is no detached signature of sbsign", signature.display())))
}

/// Length of the RSA key in what `openssl x509 -text` says.
fn rsa_bits(text: &str) -> Option<u32> {
    let algorithm = text.lines().find_map(|line| line.trim().strip_prefix("Public Key Algorithm: "))?;
    let length = text.lines().find_map(|line| line.trim().strip_prefix("Public-Key: ("))?;
    if algorithm != "rsaEncryption" {
        return None;
    }
    length.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn openssl(folder: &Path, words: &str) {
        let words: Vec<&str> = words.split_whitespace().collect();
        Program::new("openssl").in_folder(folder).args(words).read().unwrap();
    }

    fn make_key(folder: &Path, name: &str, kind: &str) {
        openssl(
            folder,
            &format!("req -x509 -newkey {kind} -nodes -keyout {name}.key -out {name}.pem -subj /CN={name}"),
        );
    }

    #[test]
    fn a_certificate_that_firmware_would_not_take_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refusal =
            |name: &str| Certificate::read(&folder.path().join(name)).map(|_| ()).unwrap_err().to_string();
        make_key(folder.path(), "short", "rsa:1024");
        assert!(refusal("short.pem").ends_with("an RSA key of 1024 bits; firmware takes 2048 to 4096"));
        make_key(folder.path(), "curve", "ec -pkeyopt ec_paramgen_curve:P-256");
        assert!(refusal("curve.pem").ends_with("not an RSA key, and shim knows no other"));
        assert!(refusal("short.key").ends_with("is no certificate in PEM"));
    }

    #[test]
    fn a_key_that_is_not_the_certificates_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["one", "other"] {
            make_key(folder.path(), name, "rsa:2048");
        }
        let path = folder.path().join("one.pem");
        let certificate = Certificate::read(&path).unwrap();
        certificate.demand_key(&folder.path().join("one.key")).unwrap();
        let refused = certificate.demand_key(&folder.path().join("other.key")).unwrap_err().to_string();
        assert!(refused.contains("other.key is not the key of"), "{refused}");
        assert!(certificate.demand_key(&path).unwrap_err().to_string().ends_with("is no private key in PEM"));
    }
}
