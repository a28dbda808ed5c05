//! How anybody can check record and image, with programs that everybody has.

use crate::account::Account;
use crate::by_hand::{self, Media, Shell};
use crate::language::Language;
use crate::markup::Markup;

pub fn write(account: &Account, language: Language, page: &mut Markup) {
    let Some(record) = by_hand::file_name(&account.name) else {
        page.paragraph(language.pick(
            "There are no commands here: the record's file name has characters that a shell could misread. Rename it to letters and \
             digits and make this page again.",
            "此处没有命令：记录文件名含有可能被命令解释器误读的字符。请改名为仅含字母和数字的文件名后重新生成本页面。",
        ));
        return;
    };
    page.paragraph(language.pick(
        "Put the record and the files of the image into one folder, open a shell there (sh, on Linux or macOS) and paste the commands. \
         They need jq and sha256sum, and what else is named; none of our programs. Each block ends with exit code 0 only if all of it holds.",
        "将记录文件与镜像文件放在同一文件夹，在该处打开命令行（Linux 或 macOS 的 sh），粘贴以下命令。\
         命令只需 jq、sha256sum 及其中写明的程序，不需要我们的任何程序。只有全部一致时，各段命令的退出码才为 0。",
    ));
    block(
        language.pick("1. The record", "1. 校验记录"),
        language.pick(
            "The chain, entry by entry, up to the head on this page. Compare that head with the one that was written down.",
            "逐条校验哈希链，直至本页所示的链头值；并请将该链头值与另行留存的数值比对。",
        ),
        &by_hand::chain(&account.chain, record, language),
        page,
    );
    let about_the_image = match by_hand::media(account) {
        Media::Raw => language.pick(
            "All bytes of the image, from the first file to the last, against the hash values on this page.",
            "将镜像全部字节（从第一个文件到最后一个文件）与本页所示校验值比对。",
        ),
        Media::Ewf => language.pick(
            "All bytes of the medium, as img_cat (of the Sleuth Kit) unpacks them, against the hash values on this page.",
            "用 img_cat（Sleuth Kit）展开介质全部字节，与本页所示校验值比对。",
        ),
        Media::Other => language.pick(
            "There are no commands for this format here: any program that reads it can export the medium's bytes, whose hash \
             values must be those above.",
            "此处没有该格式的命令：可用任何支持该格式的程序导出介质字节，其校验值应与上文一致。",
        ),
        Media::None => language.pick(
            "There is nothing to compare an image with: the record has no hash values.",
            "没有可供比对的校验值：记录中没有镜像校验值。",
        ),
    };
    let shell = by_hand::image(account, record, language);
    block(language.pick("2. The image", "2. 校验镜像"), about_the_image, &shell, page);
}

fn block(title: &str, about: &str, shell: &Shell, page: &mut Markup) {
    page.element("h3", &[], title);
    page.paragraph(about);
    match shell {
        Shell::Commands(commands) => {
            page.within("pre", &[("class", "sh")], |pre| pre.element("code", &[], commands))
        }
        Shell::Nothing("") => {}
        Shell::Nothing(why) => page.paragraph(why),
    }
}
