//! What must not be read into the page.

use crate::account::Account;
use crate::language::Language;
use crate::markup::Markup;

pub fn write(account: &Account, language: Language, page: &mut Markup) {
    let mut limits: Vec<&str> = vec![
        language.pick(
            "That it is genuine. It is a copy of the record for people to read, and anybody can alter it. What counts is the record, \
             the image, and the chain head that was written down.",
            "不能证明本页面自身的真实性。本页面只是记录的可读副本，任何人都可以改动；应以记录文件、镜像和另行留存的链头值为准。",
        ),
        language.pick(
            "That the record was not written anew as a whole. An unbroken chain shows that no entry was altered, removed or put in \
             since the last one was written; against a new record helps only the chain head kept elsewhere.",
            "不能证明记录没有被整体重写。哈希链完整只说明最后一条写入后没有条目被改动、删除或插入；要排除整体重写，只能比对另行留存的链头值。",
        ),
        language.pick(
            "That the machine told the truth. Identity, answers and health are what the disk says of itself; commands and events are \
             what this kernel counted. Whether the booted image was the published one has to be checked by its own hash.",
            "不能证明取证机所述属实。设备标识和健康状况是磁盘的自述，命令与事件是本内核的计数；启动镜像是否为发布版本，须另行核对其哈希值。",
        ),
        language.pick(
            "What the disk held before. Equal hash values show that the image is what was read then, not who had the disk until then, \
             nor what stands in hidden areas and in ranges that could not be read.",
            "不能证明固定之前的情况。校验值一致只说明镜像与当时读取的内容相同，不能说明此前由谁保管，也不涵盖隐藏区域和未能读取的区域。",
        ),
        language.pick(
            "The true time. Times come from the machine's clock; how far it was off is not in this record.",
            "不能证明真实时间。时间取自取证机时钟，记录中没有其与标准时间的偏差。",
        ),
        language.pick(
            "Who acted, and by what right. Names are as they were typed in. Authority, witnesses and seals stand in the forms, with \
             signatures.",
            "不能证明操作人身份和法律依据。姓名按输入内容记录；法律依据、见证人和封存情况见签名的笔录与清单。",
        ),
    ];
    if account.image.is_some() {
        limits.push(language.pick(
            "That the image at hand is the one recorded: that takes the check above.",
            "不能证明手中的镜像就是记录中的镜像：须按上文方法校验。",
        ));
    }
    page.list(limits.into_iter().map(str::to_owned));
}
