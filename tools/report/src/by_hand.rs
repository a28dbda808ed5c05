//! Commands of public programs by which record and image are checked without us.
//!
//! Nothing of the record gets into them but hash values, which are hexadecimal digits by their type, and a file name that
//! holds nothing a shell could take for more than a name.

use crate::account::{Account, ChainState};
use crate::language::Language;
use evidence::HashAlgorithm;

/// Commands, or why there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shell {
    /// To be pasted.
    Commands(String),
    /// Why there are none; empty where that is told already.
    Nothing(&'static str),
}

/// How the bytes of the medium are had from the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// They are the files' bytes.
    Raw,
    /// Unpacked by libewf, through the Sleuth Kit: ewfexport of 2014 writes its version between the data.
    Ewf,
    /// By a program that we have no commands for.
    Other,
    /// There is no finished image.
    None,
}

/// The name, where it is nothing but a name.
pub fn file_name(name: &str) -> Option<&str> {
    let plain = |letter: char| letter.is_alphanumeric() || "._-".contains(letter);
    (name.len() <= 255 && name.starts_with(char::is_alphanumeric) && name.chars().all(plain)).then_some(name)
}

/// Checks the chain up to its head.
pub fn chain(chain: &ChainState, record: &str, language: Language) -> Shell {
    if chain.broken.is_some() {
        return Shell::Nothing(language.pick(
            "There are no commands: the chain is broken, as said above.",
            "没有命令：哈希链已断裂，见上文。",
        ));
    }
    let (head, start) = (chain.head, record::ChainHash::START);
    let loose =
        language.pick("line $number does not follow from the line before it", "第 $number 行与前一行不衔接");
    let behind = language.pick("there is something behind the last line", "末行之后还有内容");
    let other = language.pick("the chain head is not that of the page, but", "链头值与本页不符，实际为");
    let holds = language.pick("the chain holds, entries:", "哈希链完整，条目数：");
    Shell::Commands(format!(
        "record='{record}'
(
  previous={start}
  number=0
  while IFS= read -r line; do
    number=$((number + 1))
    if [ \"$(printf '%s' \"$line\" | jq -r .prev)\" != \"$previous\" ]; then
      echo \"{loose}\"; exit 1
    fi
    previous=$(printf '%s' \"$line\" | sha256sum | cut -d' ' -f1)
  done < \"$record\"
  if [ -n \"$line\" ]; then echo \"{behind}\"; exit 1; fi
  if [ \"$previous\" != {head} ]; then echo \"{other} $previous\"; exit 1; fi
  echo \"{holds} $number\"
)
"
    ))
}

/// How the medium's bytes can be had.
pub fn media(account: &Account) -> Media {
    let format = account.opened.as_ref().map(|opened| opened.plan.format.as_str());
    match (&account.image, format) {
        (None, _) => Media::None,
        (Some(image), _) if image.hashes.is_empty() => Media::None,
        (Some(_), Some("raw")) => Media::Raw,
        (Some(_), Some("e01")) => Media::Ewf,
        (Some(_), _) => Media::Other,
    }
}

/// Compares the image with the hash values of the record.
pub fn image(account: &Account, record: &str, language: Language) -> Shell {
    let bytes = match media(account) {
        Media::Raw => "while IFS= read -r name; do cat \"./$name\"; done",
        // The first file names the others.
        Media::Ewf => "head -n 1 | { IFS= read -r name; img_cat -i ewf \"./$name\"; }",
        Media::Other | Media::None => return Shell::Nothing(""),
    };
    let hashes = account.image.iter().flat_map(|image| image.hashes.iter());
    let checks: Vec<String> =
        hashes.map(|(algorithm, digest)| format!("  check {digest} {}\n", program(algorithm))).collect();
    let equal = language.pick("equal", "一致");
    let differs = language.pick("DIFFERS", "不一致");
    let missing = language.pick("not installed, not checked", "未安装，未校验");
    Shell::Commands(format!(
        "record='{record}'
(
  media() {{
    jq -r 'select(.kind == \"image-closed\") | .segments[].name' \"$record\" |
      {bytes}
  }}
  failed=0
  check() {{
    value=$1
    shift
    if ! command -v \"$1\" > /dev/null; then
      echo \"$*: {missing}\"; failed=1
    elif [ \"$(media | \"$@\" | cut -d' ' -f1)\" = \"$value\" ]; then
      echo \"$*: {equal}\"
    else
      echo \"$*: {differs}\"; failed=1
    fi
  }}
{}  [ $failed = 0 ]
)
",
        checks.concat()
    ))
}

/// A public program that computes the hash value of what it reads, and prints it first.
fn program(algorithm: HashAlgorithm) -> &'static str {
    match algorithm {
        HashAlgorithm::Md5 => "md5sum",
        HashAlgorithm::Sha1 => "sha1sum",
        HashAlgorithm::Sha256 => "sha256sum",
        HashAlgorithm::Sha512 => "sha512sum",
        HashAlgorithm::Sha3 => "openssl dgst -sha3-256 -r",
        HashAlgorithm::Sm3 => "openssl dgst -sm3 -r",
        HashAlgorithm::Blake3 => "b3sum",
    }
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn only_a_name_gets_into_a_command() {
        for name in ["item-1.record.jsonl", "案-1_2.record.jsonl", "3"] {
            assert_eq!(file_name(name), Some(name));
        }
        for name in ["", "-rf", ".hidden", "a b", "a'b", "$(x)", "a;b", "a/b", "a\nb", "`x`", "a\u{202e}b"] {
            assert_eq!(file_name(name), None, "{name}");
        }
        assert_eq!(file_name(&"x".repeat(256)), None);
    }
}
