//! `cargo xtask sign`: an image whose kernel a lab has signed with its own key, for machines with Secure Boot on.
//!
//! The signature is Authenticode, as UEFI has it (UEFI Specification, Secure Boot and Driver Signing), made by sbsigntool.
//! shim is signed by Microsoft and GRUB by Debian; shim checks the kernel by the keys that this machine knows: its
//! firmware's `db` and the list of its owner's keys (MokList). See image-build/SECURE-BOOT.md.

use crate::debian_packages::{self, Need};
use crate::error::{Doing, Result, XtaskError};
use crate::process::Program;
use crate::stages::Stages;
use crate::{bill_of_materials, boot_media, manifest, workspace};
use clap::Args;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Shorter ones can be broken, and firmware takes none longer than the other.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=4096;

/// The signed image, and what it was made of, beside `bzImage`.
const SIGNED: [&str; 2] = ["permafrost-signed.iso", "permafrost-signed.json"];

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
    if !folder.join("bzImage").is_file() {
        return Err(XtaskError::Unfit(format!(
            "{} is not there; first run: cargo xtask image",
            folder.join("bzImage").display()
        )));
    }
    stages.run("packages for signing", || debian_packages::ensure(&[Need::Build, Need::Sign]))?;
    let work = tempfile::tempdir().doing(|| "making a scratch folder".to_owned())?;
    let certificate = Certificate::read(&arguments.certificate)?;
    let unsigned = stages.run("unsigned image", || {
        let _lock = workspace::lock_cache()?;
        Unsigned::take(&folder, work.path())
    })?;
    let kernel = unsigned.kernel.clone();
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
    let [iso, paper] = SIGNED.map(|name| folder.join(name));
    stages.run("signed image", || {
        let der = work.path().join("certificate");
        certificate.write_der(&der)?;
        remove_signed(&folder)?;
        boot_media::write(&signed, Some(&der), &iso)?;
        let told = serde_json::to_string_pretty(&unsigned.signed_as(&iso, &der)?)? + "\n";
        workspace::write(&paper, told)
    })?;
    eprintln!("    {}\n    SHA-256     {}", iso.display(), workspace::sha256_of_file(&iso)?);
    eprintln!("    made of     bzImage with SHA-256 {}", unsigned.kernel_sha256);
    eprintln!("    certificate {}\n    fingerprint {}", certificate.subject()?, certificate.fingerprint()?);
    Ok(())
}

/// Removes what was signed before unless it was made of the kernel that is there now.
pub fn remove_outdated(folder: &Path) -> Result<()> {
    let [_, paper] = SIGNED.map(|name| folder.join(name));
    let sha256 = workspace::sha256_of_file(&folder.join("bzImage"))?;
    let is_of_this_kernel = paper.is_file() && workspace::read_text(&paper)?.contains(&sha256);
    if is_of_this_kernel { Ok(()) } else { remove_signed(folder) }
}

fn remove_signed(folder: &Path) -> Result<()> {
    for old in SIGNED.map(|name| folder.join(name)) {
        if old.exists() {
            fs::remove_file(&old).doing(|| format!("removing {}", old.display()))?;
        }
    }
    Ok(())
}

/// Copies of what is to be signed, which no other build can change.
struct Unsigned {
    kernel: PathBuf,
    kernel_sha256: String,
    /// The image with that kernel, where it lies beside.
    iso: Option<PathBuf>,
}

/// What a signed image was made of.
#[derive(Serialize)]
struct Paper {
    unsigned_kernel_sha256: String,
    /// SHA-256 of the certificate in DER, which is its fingerprint.
    certificate_sha256: String,
    iso_sha256: String,
    /// Files that are not the same in the unsigned image, where that lay beside.
    differing_files: Option<Vec<String>>,
}

impl Unsigned {
    /// Copies kernel and image to `work`, each as the manifest beside it names it, if there is one.
    fn take(folder: &Path, work: &Path) -> Result<Self> {
        let (kernel, iso) = (work.join("unsigned-bzImage"), work.join("unsigned.iso"));
        let kernel_sha256 = take(folder, "bzImage", &kernel)?;
        demand_unsigned(&kernel, &folder.join("bzImage"))?;
        let has_iso = folder.join("permafrost.iso").is_file();
        if has_iso {
            take(folder, "permafrost.iso", &iso)?;
        }
        Ok(Self { kernel, kernel_sha256, iso: has_iso.then_some(iso) })
    }

    fn signed_as(&self, iso: &Path, certificate: &Path) -> Result<Paper> {
        let differing = |unsigned: &PathBuf| bill_of_materials::differing(unsigned, iso);
        Ok(Paper {
            unsigned_kernel_sha256: self.kernel_sha256.clone(),
            certificate_sha256: workspace::sha256_of_file(certificate)?,
            iso_sha256: workspace::sha256_of_file(iso)?,
            differing_files: self.iso.as_ref().map(differing).transpose()?,
        })
    }
}

/// Copies one output of a build and returns its SHA-256; refuses one that is not the manifest's.
fn take(folder: &Path, name: &str, to: &Path) -> Result<String> {
    let from = folder.join(name);
    workspace::copy(&from, to)?;
    let sha256 = workspace::sha256_of_file(to)?;
    match manifest::sha256_of_output(folder, name)? {
        Some(of_manifest) if of_manifest != sha256 => Err(XtaskError::Unfit(format!(
            "{} is not the one that {} names (SHA-256 {sha256}, not {of_manifest}); run: cargo xtask image",
            from.display(),
            folder.join(manifest::FILE).display()
        ))),
        _ => Ok(sha256),
    }
}

/// Refuses a kernel that has a signature already; `named` is the file that it is a copy of.
fn demand_unsigned(kernel: &Path, named: &Path) -> Result<()> {
    let said = Program::new("sbverify").arg("--list").arg(kernel).read();
    let said = said.map_err(|e| because(&format!("{} is no kernel for UEFI", named.display()), &e))?;
    if said.lines().any(|line| line.starts_with("signature ")) {
        return Err(XtaskError::Unfit(format!(
            "{} has a signature already; run cargo xtask image and sign what it makes",
            named.display()
        )));
    }
    Ok(())
}

/// What is wrong, and in the same line what the program that found it said.
fn because(what: &str, error: &XtaskError) -> XtaskError {
    let said = error.to_string();
    let words: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    XtaskError::Unfit(format!("{what}: {}", words.join("; ")))
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
            .map_err(|e| because(&format!("{} is no certificate in PEM", path.display()), &e))?;
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
        Program::new("openssl")
            .args(["x509", "-noout", "-inform", "PEM", "-in"])
            .arg(self.path)
            .args(words)
            .read()
    }

    /// Refuses a key that is not the certificate's.
    fn demand_key(&self, key: &Path) -> Result<()> {
        let openssl = Program::new("openssl").args(["pkey", "-pubout", "-inform", "PEM", "-in"]).arg(key);
        let public = openssl.interactive().read();
        let public = public.map_err(|e| {
            because(&format!("{} is no private key in PEM, or its passphrase is another", key.display()), &e)
        })?;
        if public.trim() == self.openssl(&["-pubkey"])?.trim() {
            return Ok(());
        }
        Err(XtaskError::Unfit(format!("{} is not the key of {}", key.display(), self.path.display())))
    }

    /// Signs `kernel` into a file of its own. sbsign writes the time into the signature; so that the same key makes the
    /// same bytes on any day, that is the first second of the certificate. Told by datefudge: faketime refuses to start
    /// where a process of the same number was killed under it, until somebody clears `/dev/shm`.
    fn sign(&self, key: &Path, kernel: &Path, signature: &Path) -> Result<()> {
        let said = self.openssl(&["-startdate", "-dateopt", "iso_8601"])?;
        let begin = said.trim().trim_start_matches("notBefore=").trim_end_matches('Z');
        Program::new("datefudge")
            .args(["--static", begin, "sbsign", "--detached", "--key"])
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
        verified.map(|_| ()).map_err(|e| {
            let (signature, certificate) = (signature.display(), self.path.display());
            because(&format!("{signature} is no signature of this bzImage by the key of {certificate}"), &e)
        })
    }

    fn write_der(&self, to: &Path) -> Result<()> {
        Program::new("openssl")
            .args(["x509", "-inform", "PEM", "-outform", "DER", "-in"])
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
        .map_err(|e| because(&format!("{} is no detached signature of sbsign", signature.display()), &e))
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
        assert!(refusal("short.key").contains("is no certificate in PEM: openssl x509"));
        let missing = refusal("missing.pem");
        assert!(missing.contains("No such file or directory") && missing.lines().count() == 1, "{missing}");
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
        let refused = certificate.demand_key(&path).unwrap_err().to_string();
        assert!(
            refused.contains("is no private key in PEM, or its passphrase is another: openssl pkey"),
            "{refused}"
        );
    }

    #[test]
    fn a_certificate_in_der_is_refused_before_other_programs_see_it() {
        let folder = tempfile::tempdir().unwrap();
        make_key(folder.path(), "lab", "rsa:2048");
        openssl(folder.path(), "x509 -in lab.pem -outform DER -out lab.der");
        let refused = Certificate::read(&folder.path().join("lab.der")).map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("lab.der is no certificate in PEM"), "{refused}");
    }

    #[test]
    fn a_signature_that_is_not_there_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let kernel = folder.path().join("bzImage");
        fs::write(&kernel, "MZ").unwrap();
        let refused = attach(Path::new("nothing.p7"), &kernel, &folder.path().join("signed")).unwrap_err();
        assert!(
            refused.to_string().contains("nothing.p7 is no detached signature of sbsign: sbattach"),
            "{refused}"
        );
    }

    #[test]
    fn a_kernel_that_is_not_the_manifests_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy");
        fs::write(folder.path().join("bzImage"), "a kernel").unwrap();
        let sha256 = take(folder.path(), "bzImage", &copy).unwrap();
        let write = |sha256: &str| {
            let manifest =
                format!(r#"{{"outputs": [{{"path": "bzImage", "size": 8, "sha256": "{sha256}"}}]}}"#);
            fs::write(folder.path().join("manifest.json"), manifest).unwrap();
        };
        write(&sha256);
        assert_eq!(take(folder.path(), "bzImage", &copy).unwrap(), sha256);
        write("00");
        let refused = take(folder.path(), "bzImage", &copy).unwrap_err().to_string();
        let both = ["bzImage is not the one that", "manifest.json names"];
        assert!(both.iter().all(|words| refused.contains(words)), "{refused}");
        fs::write(folder.path().join("manifest.json"), "{}").unwrap();
        let refused = take(folder.path(), "bzImage", &copy).unwrap_err().to_string();
        assert!(refused.contains("manifest.json does not tell the SHA-256 of bzImage"), "{refused}");
    }

    /// A PE file of one section without content: as small as sbsigntool takes one.
    fn program_for_uefi() -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
        put(0, b"MZ");
        put(0x3c, &[0x40]);
        put(0x40, b"PE\0\0\x64\x86\x01\0");
        put(0x54, &[0xf0, 0, 0x22, 0]);
        put(0x58, &[0x0b, 2]);
        put(0x58 + 32, &[0, 16, 0, 0, 0, 2, 0, 0]);
        put(0x58 + 56, &[0, 32, 0, 0, 0, 2, 0, 0]);
        put(0x58 + 68, &[10]);
        put(0x58 + 108, &[16]);
        put(0x148, b".text\0\0\0\0\x02\0\0\0\x10\0\0\0\x02\0\0\0\x02\0\0");
        bytes
    }

    #[test]
    fn a_kernel_that_is_signed_already_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        make_key(folder.path(), "lab", "rsa:2048");
        let kernel = folder.path().join("bzImage");
        fs::write(&kernel, program_for_uefi()).unwrap();
        demand_unsigned(&kernel, &kernel).unwrap();
        Program::new("sbsign")
            .in_folder(folder.path())
            .args(["--key", "lab.key", "--cert", "lab.pem", "--output", "bzImage", "bzImage"])
            .read()
            .unwrap();
        let refused = demand_unsigned(&kernel, &kernel).unwrap_err().to_string();
        assert!(refused.contains("bzImage has a signature already"), "{refused}");
    }

    #[test]
    fn what_was_signed_before_goes_with_its_kernel() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["permafrost-signed.iso", "permafrost-signed.json", "permafrost.iso"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let kernel = folder.path().join("bzImage");
        fs::write(&kernel, "a kernel").unwrap();
        let paper =
            format!(r#"{{"unsigned_kernel_sha256": "{}"}}"#, workspace::sha256_of_file(&kernel).unwrap());
        fs::write(folder.path().join("permafrost-signed.json"), paper).unwrap();
        remove_outdated(folder.path()).unwrap();
        assert!(folder.path().join("permafrost-signed.iso").exists(), "it is of this kernel");
        fs::write(&kernel, "another").unwrap();
        remove_outdated(folder.path()).unwrap();
        let mut left = workspace::files_below(folder.path()).unwrap();
        left.sort();
        assert_eq!(left, [Path::new("bzImage"), Path::new("permafrost.iso")]);
    }
}
