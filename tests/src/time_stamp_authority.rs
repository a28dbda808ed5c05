//! A time-stamp authority (RFC 3161) of OpenSSL's making: its certificates, its answers, and what OpenSSL says of both.

use crate::host_program::HostProgram;
use crate::{Doing, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// What it signs with, and how it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RSA, its certificate straight from the root.
    Rsa,
    /// ECDSA on P-256, an authority in between, times with fractions of seconds.
    P256,
    /// ECDSA on P-384 with SHA-384, and its certificate named by SHA-1 as older authorities do.
    P384,
}

/// The authority.
#[derive(Debug)]
pub struct TimeStampAuthority {
    folder: PathBuf,
    kind: Kind,
    root: PathBuf,
}

const EXTENSIONS: &str = "\
[req]
distinguished_name = none
[none]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
[tsa]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
";

impl TimeStampAuthority {
    /// Makes its keys and certificates in a folder of their own below `folder`.
    ///
    /// # Errors
    /// [`crate::HarnessError`] where OpenSSL is missing or refuses.
    pub fn new(folder: &Path, kind: Kind) -> Result<Self> {
        let folder = folder.join("authority");
        fs::create_dir_all(&folder).doing(|| format!("making {}", folder.display()))?;
        let authority = Self { root: folder.join("root.pem"), folder, kind };
        let (digits, names, signs) = match kind {
            Kind::Rsa => ("0", "sha256", "sha256"),
            Kind::P256 => ("3", "sha256", "sha256"),
            Kind::P384 => ("0", "sha1", "sha384"),
        };
        let settings = format!(
            "{EXTENSIONS}[tsa_settings]\nserial = {}\ndefault_policy = 1.2.3.4.1\ndigests = sha256\n\
             clock_precision_digits = {digits}\ness_cert_id_alg = {names}\nsigner_digest = {signs}\n",
            authority.file("serial").display()
        );
        authority.write("settings.cnf", &settings)?;
        authority.certificate("root", None, "ca")?;
        let issuer = match kind {
            Kind::P256 => {
                authority.certificate("between", Some("root"), "ca")?;
                "between"
            }
            Kind::Rsa | Kind::P384 => "root",
        };
        authority.certificate("tsa", Some(issuer), "tsa")?;
        Ok(authority)
    }

    /// The certificate of who vouches for it.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Answers the request in a file.
    ///
    /// # Errors
    /// As [`TimeStampAuthority::new`].
    pub fn answer(&self, request: &Path, answer: &Path) -> Result<()> {
        let mut reply = openssl()?.args(["ts", "-reply", "-section", "tsa_settings", "-config"]);
        reply = reply.arg(self.file("settings.cnf")).arg("-queryfile").arg(request).arg("-out").arg(answer);
        reply = reply.arg("-signer").arg(self.file("tsa.pem")).arg("-inkey").arg(self.file("tsa.key"));
        if self.kind == Kind::P256 {
            reply = reply.arg("-chain").arg(self.file("between.pem"));
        }
        reply.run().map(drop)
    }

    /// A request as OpenSSL shows it.
    ///
    /// # Errors
    /// As [`TimeStampAuthority::new`].
    pub fn text_of_request(&self, request: &Path) -> Result<String> {
        openssl()?.args(["ts", "-query", "-text", "-in"]).arg(request).run()
    }

    /// An answer as OpenSSL shows it.
    ///
    /// # Errors
    /// As [`TimeStampAuthority::new`].
    pub fn text_of_answer(&self, answer: &Path) -> Result<String> {
        openssl()?.args(["ts", "-reply", "-text", "-in"]).arg(answer).run()
    }

    /// Whether OpenSSL accepts an answer about a file.
    ///
    /// # Errors
    /// When it does not.
    pub fn verify(&self, answer: &Path, data: &Path) -> Result<()> {
        self.verify_with(answer, data, &self.root)
    }

    /// The same with other certificates to trust.
    ///
    /// # Errors
    /// When it does not.
    pub fn verify_with(&self, answer: &Path, data: &Path, root: &Path) -> Result<()> {
        let verify = openssl()?.args(["ts", "-verify", "-in"]).arg(answer).arg("-data").arg(data);
        verify.arg("-CAfile").arg(root).run().map(drop)
    }

    fn certificate(&self, name: &str, issuer: Option<&str>, extensions: &str) -> Result<()> {
        let (key, to) = (self.file(&format!("{name}.key")), self.file(&format!("{name}.pem")));
        let kind: &[&str] = match self.kind {
            Kind::Rsa => &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            Kind::P256 => &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            Kind::P384 => &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        };
        openssl()?.args(["genpkey", "-algorithm"]).args(kind).arg("-out").arg(&key).run()?;
        let mut make = openssl()?.args(["req", "-x509", "-days", "30", "-subj", &format!("/CN=Test {name}")]);
        make = make.args(["-extensions", extensions, "-config"]).arg(self.file("settings.cnf"));
        make = make.arg("-key").arg(&key).arg("-out").arg(&to);
        if let Some(issuer) = issuer {
            make = make.arg("-CA").arg(self.file(&format!("{issuer}.pem")));
            make = make.arg("-CAkey").arg(self.file(&format!("{issuer}.key")));
        }
        make.run().map(drop)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.file(name);
        fs::write(&path, text).doing(|| format!("writing {}", path.display()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn openssl() -> Result<HostProgram> {
    HostProgram::new("openssl", "openssl")
}
