//! What the console says by itself, in English and Chinese. What programs say when they fail stands in their own words.

use case_file::Language;

/// The same in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Text(&'static str, &'static str);

impl Text {
    /// In that language.
    #[must_use]
    pub fn say(self, language: Language) -> &'static str {
        language.pick(self.0, self.1)
    }
}

macro_rules! texts {
    ($($name:ident: $english:literal, $chinese:literal;)*) => {
        $(#[allow(missing_docs)] pub const $name: Text = Text($english, $chinese);)*

        /// Every text.
        #[cfg(test)]
        const ALL: &[Text] = &[$($name),*];
    };
}

texts! {
    GUARD_IN_FORCE: "guard in force", "写保护已生效";
    GUARD_SEALED: "guard in force, sealed", "写保护已生效，已封闭";
    GUARD_ABSENT: "NO GUARD: nothing here keeps a disk from change", "没有写保护：磁盘可能被改动";
    GUARD_NOT_ASKED: "guard not asked yet", "尚未查询写保护";
    DISKS: "Disks", "磁盘";
    NO_DISKS: "No disks. One that is plugged in appears here by itself.", "没有磁盘。接入后会自动显示。";
    DISK: "Disk", "磁盘";
    SIZE: "Size", "容量";
    BUS: "Bus", "接口";
    STATE: "State", "状态";
    MODEL: "Make and model", "厂商和型号";
    SERIAL: "Serial number", "序列号";
    BLOCKED: "blocked", "只读";
    EVIDENCE: "evidence", "检材";
    WRITABLE: "writable", "可写";
    NOT_GUARDED: "not held", "未保护";
    REFUSED: "operations refused", "次操作被拒绝";
    WARNING: "WARNING", "警告";
    NOTHING_RECOGNISED: "nothing recognised", "未识别";
    ACQUISITIONS: "Acquisitions (press the number)", "取证任务（按编号查看）";
    DESTINATIONS: "Destinations", "目标位置";
    NONE_YET: "none yet", "尚无";
    FREE: "free", "可用";
    DESTINATION_IS_READY: "The destination is ready. Now choose the disk that is to be imaged.", "目标位置已就绪。请选择要取证的磁盘。";
    DISK_IS_GONE: "The disk is gone: it was unplugged, or answers no more.", "磁盘已断开：被拔出或不再应答。";
    CASE_WAS_READ: "The case file was read.", "已读入案件文件。";
    NOT_A_SOURCE: "This disk can't be a source now: it is a destination, or the guard does not hold it.", "该磁盘现在不能作为检材：它是目标盘，或未受保护。";
    NOT_A_DESTINATION: "This disk can't be a destination: it is a source, or is not what it was.", "该磁盘不能作为目标盘：它是检材，或状态已改变。";
    ANOTHER_SERIAL: "That is not the serial number of this disk. Look at its label.", "序列号不符。请核对磁盘标签。";
    ALREADY_MOUNTED: "A volume of this disk is mounted already. Give the disk back first.", "该磁盘已有卷挂载。请先收回。";
    STILL_RUNNING: "Acquisitions are running. Stop them first, or wait.", "取证任务仍在进行。请先停止或等待。";
    RUNS_ELSEWHERE: "An acquisition runs on another console or in a shell. Stop it there first, or wait.", "其他控制台或命令行中仍有取证任务。请先在该处停止或等待。";
    NO_PATH: "Type the path of the case file.", "请输入案件文件的路径。";
    NO_EVIDENCE_NUMBER: "Give the item a number first: it names the files.", "请先填写检材编号：它是文件名。";
    NO_DESTINATION: "There is no destination yet. Go back and choose a disk for it.", "还没有目标位置。请返回选择目标盘。";
    IS_BEING_IMAGED: "This disk is being imaged already.", "该磁盘正在取证。";
    TAKE_AS_SOURCE: "Image this disk: lock it as evidence until power-off", "对此盘取证：锁定为检材，直至关机";
    IMAGE: "Image this disk (it is locked as evidence)", "对此盘取证（已锁定为检材）";
    USE_AS_DESTINATION: "Use it as destination: images are written to it", "用作目标盘：写入镜像";
    CHOOSE_VOLUME: "Choose where on it images go, or format it", "选择存放镜像的卷，或格式化";
    RELEASE: "Give it back: unmount it and block it again", "收回：卸载并恢复只读";
    NOTHING_TO_DO: "Nothing can be done with this disk here.", "此处无法对该磁盘进行操作。";
    TYPE_SERIAL: "To let this disk be WRITTEN, type its serial number as it stands on its label:", "要使此盘可写，请按标签输入其序列号：";
    TYPE_SERIAL_TO_FORMAT: "ALL THAT LIES ON THIS DISK IS LOST. To format it, type its serial number again:", "此盘上的全部数据将丢失。要格式化，请再次输入序列号：";
    SERIAL_IS: "The disk says", "磁盘报告的序列号";
    WHERE_TO: "Where do images go?", "镜像存放位置";
    USE_VOLUME: "Use", "使用";
    FORMAT_WITH: "Format the whole disk with", "将整个磁盘格式化为";
    FORMAT_LOSES: "all that lies on it is lost", "盘上数据全部丢失";
    CASE: "Case", "案件信息";
    MISSING: "must be given and missing", "项必填内容缺失";
    COMPLETE: "nothing is missing", "内容完整";
    SEVERAL_SEALS: "several with ; between", "多个用分号隔开";
    CASE_PATH: "Path of a case file on a mounted destination:", "案件文件的路径（已挂载的目标盘）：";
    HOW_TO_IMAGE: "How it is imaged", "取证方式";
    EVIDENCE_NUMBER: "Number of the item", "检材编号";
    DESCRIPTION: "What it is", "检材描述";
    FORMAT: "Format", "镜像格式";
    HASHES: "Hash values", "校验值";
    RESCUE: "Recover a failing disk in passes", "分遍恢复故障盘";
    REREAD: "Read again at the end", "结束时重读";
    RESUME: "Go on with one that was cut off", "继续中断的任务";
    BY_ITSELF: "by itself, with the same number", "自动继续（相同编号）";
    NOT_USED: "not used: two at most, one with passes; the last mounted first", "不使用：最多两个，分遍恢复仅一个；最后挂载的优先";
    CASE_DATA: "Case data", "案件信息";
    START: "START", "开始";
    YES: "yes", "是";
    NO: "no", "否";
    ONE_PERCENT: "1 %", "1 %";
    ALL_OF_IT: "all", "全部";
    ROOM: "Less room than the source has bytes. Compressed it may fit; if not, copy and go on elsewhere. Raw, or in passes, it begins only with room for all.", "可用空间小于源盘容量。压缩后可能够用；不够时可复制到另一盘继续。分遍恢复或raw格式须能容纳全部数据才能开始。";
    PAUSED: "PAUSED", "已暂停";
    STOPPING: "stopping: what is there is made durable", "正在停止：保存已有数据";
    VERIFIED: "IMAGED AND VERIFIED", "取证完成，校验一致";
    VERIFIED_WITH_GAPS: "IMAGED AND VERIFIED, BUT NOT ALL COULD BE READ: see the warnings", "取证完成，校验一致，但有未读出的部分：见警告";
    VERIFIED_BUT_UNSTABLE: "IMAGED AND VERIFIED, BUT NOT ALL WAS READ THE SAME TWICE: see the warnings", "取证完成，校验一致，但有重读不一致的部分：见警告";
    NOT_VERIFIED: "FAILED: the image is not what was read. Image again, to another destination, with another number", "失败：镜像与读出内容不符。请换目标盘、换编号重做";
    DESTINATION_FAILED: "FAILED: the destination. To use another one, copy all files of this number there first and give this one back. Then \"Go on with one that was cut off\"", "失败：目标盘故障。如换盘，先将此编号的全部文件复制过去，并收回此盘。再用“继续中断的任务”继续";
    INTERRUPTED: "STOPPED. It can go on later: \"Go on with one that was cut off\"", "已停止。以后可用“继续中断的任务”继续";
    SOURCE_FAILED: "FAILED: the source", "失败：源盘故障";
    ONE_OF_TWO: "IMAGED AND VERIFIED AT ONE OF TWO DESTINATIONS: copy it", "两个目标位置中仅一个完成并校验：请复制";
    KILLED: "FAILED: the program was ended. \"Go on with one that was cut off\" goes on behind what is stored", "失败：程序被终止。可选“继续中断的任务”继续";
    RESCUE_DESTINATION_FAILED: "FAILED: the destination. To use another one, copy all files of this number there first and give this one back. Then START with the same number: it goes on by itself", "失败：目标盘故障。如换盘，先将此编号的全部文件复制过去，并收回此盘。再用相同编号“开始”，即自动继续";
    RESCUE_INTERRUPTED: "STOPPED. It can go on later: START it again with the same number and destination", "已停止。以后用相同编号和目标位置再次“开始”即可继续";
    RESCUE_KILLED: "FAILED: the program was ended. START it again with the same number and destination: it goes on behind what is stored", "失败：程序被终止。用相同编号和目标位置再次“开始”即可继续";
    REFUSED_TO_START: "It did not begin", "未能开始";
    UNREAD: "could not be read", "未能读出";
    UNREAD_IN: "unread in", "未能读出，共";
    UNSTABLE_IN: "differ when read again (the first reading is in the image), in", "重读不一致（镜像保留首次读出的内容），共";
    RANGES: "ranges", "个区段";
    MORE: "(Up, Down: more)", "（上下键：更多）";
    LEFT: "left", "剩余";
    WARMTH: "when it was last asked; while a disk is imaged, none is", "（上次询问时；取证期间不询问磁盘）";
    SPEED: "Speed", "速度";
    RECORD: "Record", "取证记录";
    PHOTOGRAPH: "PHOTOGRAPH THIS, or write it down: with these words anyone can check that nobody replaced image and record.", "请拍照或抄写：凭这些词可验证镜像和记录未被替换。";
    FINGERPRINT: "Key of the record", "记录签名密钥";
    SURE_TO_STOP: "Stop this acquisition? It can go on later. y: stop, any other key: go on", "停止此任务？以后可继续。y：停止，其他键：不停止";
    SURE_TO_END: "Switch the machine off? y: yes, n: no", "关机？y：是，n：否";
    SURE_TO_LEAVE: "Leave the console? It forgets the results that it shows and the case as it was typed. y: leave, any other key: stay", "退出控制台？所显示的结果和已填写的案件信息将丢失。y：退出，其他键：不退出";
    BUSY: "Please wait", "请稍候";
    KEYS_DISKS: "Enter choose  c case  1-9 running  r refresh  p off  ! shell", "Enter 选择  c 案件  1-9 任务  r 刷新  p 关机  ! 命令行";
    KEYS_LIST: "Up, Down, Enter: choose   Esc: back", "上下键、Enter 选择   Esc 返回";
    KEYS_SETTINGS: "Up, Down, Enter: choose   c case   Esc: back", "上下键、Enter 选择   c 案件   Esc 返回";
    KEYS_TEXT: "Type, then Enter   Esc: back", "输入后按 Enter   Esc 返回";
    KEYS_CASE: "Enter fill in  + add entry  o read file  Esc keep, go back", "Enter 填写  + 增加一项  o 读入文件  Esc 保存并返回";
    KEYS_JOB: "p: pause, go on   x: stop   Esc: back (it goes on)", "p 暂停/继续   x 停止   Esc 返回（任务继续）";
    KEYS_ALWAYS: "F1 help  F2 zh", "F1 帮助  F2 en";
    HELP: "Help - any key closes it", "帮助 - 按任意键关闭";
}

/// What F1 shows: short lines.
#[must_use]
pub fn help(language: Language) -> &'static [&'static str] {
    language.pick(
        &[
            "1. Every disk is BLOCKED from the moment it is found: nothing can change it.",
            "2. First the destination: choose the disk that images shall go to, \"Use it",
            "   as destination\", type its serial number, choose a volume or format it.",
            "3. Then the source: choose the disk, \"Image this disk\". It is locked as",
            "   evidence and can't become writable any more until power-off.",
            "4. Fill in the case (c), give the item a number, START.",
            "5. At the end photograph the hash values and the twelve words.",
            "6. Give the destination back, then p: power off.",
            "",
            "Several disks can be imaged at once: Esc leaves a running one in the",
            "background. A stopped one goes on with the same number, the same",
            "destination, and \"Go on with one that was cut off\"; in passes, by START alone.",
            "The line behind $ shows the command that does the same in a shell.",
            "F1 help   F2 Chinese/English   ! or F9 root shell (exit comes back here)",
            "On the machine's own screen Alt-F2 is a second root shell.",
            "Another keyboard layout: in a shell  kbd de  (fr, uk, ... kbd alone lists",
            "them), or by the stick's menu, 6.",
            "q leaves; in the live environment the console opens again.",
        ],
        &[
            "1. 所有磁盘一经发现即为只读：任何程序都不能改动。",
            "2. 先选目标盘：选中存放镜像的磁盘，“用作目标盘”，输入序列号，",
            "   选择卷或格式化。",
            "3. 再选检材：选中磁盘，“对此盘取证”。该盘锁定为检材，",
            "   关机前不能再变为可写。",
            "4. 填写案件信息（c），填写检材编号，然后“开始”。",
            "5. 结束后拍摄校验值和十二个英文单词。",
            "6. 收回目标盘，然后按 p 关机。",
            "",
            "可同时对多个磁盘取证：Esc 返回后任务在后台继续。",
            "中断的任务用相同编号、目标位置和“继续中断的任务”继续；分遍恢复直接“开始”。",
            "$ 后显示等同的命令。",
            "F1 帮助   F2 中英文切换   ! 或 F9 命令行（exit 返回）",
            "本机屏幕上按 Alt-F2 为第二个命令行。",
            "更换键盘布局：在命令行输入 kbd de（或 fr、uk 等，单独 kbd 列出全部），",
            "或启动时选择 U 盘菜单第 6 项。",
            "q 退出；在取证系统中控制台会重新打开。",
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn everything_is_said_in_both_languages() {
        for text in ALL {
            let (english, chinese) = (text.say(Language::English), text.say(Language::Chinese));
            assert!(!english.is_empty() && !chinese.is_empty());
            assert!(english.is_ascii(), "a text screen has no Chinese: {english}");
        }
    }

    #[test]
    fn help_and_keys_fit_eighty_columns() {
        for language in [Language::English, Language::Chinese] {
            let keys = [KEYS_DISKS, KEYS_LIST, KEYS_SETTINGS, KEYS_TEXT, KEYS_CASE, KEYS_JOB]
                .map(|text| text.say(language));
            for line in help(language).iter().chain(&keys) {
                assert!(line.width() <= 80, "{}: {line}", line.width());
            }
            for line in keys {
                assert!(line.width() + KEYS_ALWAYS.say(language).width() + 2 <= 80, "{line}");
            }
            assert!(help(language).len() <= 18, "they fit a screen of 25 lines");
        }
    }
}
