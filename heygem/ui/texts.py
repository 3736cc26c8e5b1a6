"""Every word of the page, English and Chinese side by side.

Static labels travel to the browser as `gr.I18n` keys; what changes is put together here.
"""

from collections.abc import Mapping
from typing import Literal

from heygem.ui.batch.words import BATCH_TEXTS
from heygem.ui.history.words import HISTORY_TEXTS
from heygem.ui.library.words import LIBRARY_TEXTS
from heygem.ui.system.words import SYSTEM_TEXTS

Language = Literal["en", "zh"]

_PAGE_TEXTS: Mapping[str, tuple[str, str]] = {
    # the page
    "tagline": ("Digital human studio", "数字人工作室"),
    "tab_single": ("Single", "单个处理"),
    "tab_history": ("History", "历史记录"),
    "tab_system": ("System", "系统状态"),
    "offline": (
        "Connection lost. Your jobs go on; this page will be back.",
        "连接已断开，任务仍在继续，页面会自动恢复。",
    ),
    "section_speech": ("1. Speech", "1. 语音"),
    "section_presenter": ("2. Presenter", "2. 人物模板"),
    "audio_label": ("Upload a recording or speak", "上传录音或现场录制"),
    "audio_demo": ("Or try one of these", "或试用示例语音"),
    "upload_template": ("Or use a video or photo of your own", "或上传自己的视频或照片"),
    "options": ("Options", "更多选项"),
    "expressiveness": ("Expressiveness", "嘴部幅度"),
    "expressiveness_info": ("How far the mouth moves; 1 is natural.", "嘴部动作的大小，1 为自然。"),
    "smile": ("Smile", "微笑"),
    "smile_info": ("Added to the whole video; 0 leaves the face as it is.", "贯穿整段视频，0 为保持原样。"),
    "audio_offset": ("Audio offset (ms)", "音画偏移（毫秒）"),
    "audio_offset_info": ("Positive: the mouth moves later.", "正值：嘴部动作延后。"),
    "fps": ("Frame rate", "帧率"),
    "fps_own": ("As the template", "与模板一致"),
    "loop_mode": ("When the speech is longer", "语音比模板长时"),
    "loop_pingpong": ("There and back", "来回播放"),
    "loop_loop": ("From the start", "从头循环"),
    "loop_freeze": ("Hold the last frame", "停在末帧"),
    "quality": ("Quality", "画质"),
    "quality_best": ("Best", "最佳"),
    "quality_high": ("High", "高"),
    "quality_small": ("Small file", "小文件"),
    "living": ("Photos: blinking and slight head motion", "照片：眨眼与轻微头部动作"),
    "living_auto": ("Where it looks right", "自动判断"),
    "living_on": ("Always", "始终开启"),
    "living_off": ("Never", "关闭"),
    "visible_label": ("Write “AI generated” on the picture", "在画面上标注“AI generated”（AI 生成）"),
    "generate": ("Generate", "生成视频"),
    "cancel": ("Cancel", "取消"),
    "clear_cache": ("Clear cache", "清理缓存"),
    "clear_now": ("Clear now", "立即清理"),
    "close": ("Close", "关闭"),
    # the banner
    "initializing": (
        "Initializing: {ready} of {total} models ready",
        "正在初始化：已就绪 {ready}/{total} 个模型",
    ),
    "initializing_first": ("Initializing", "正在初始化"),
    "initializing_detail": (
        "{step}, {seconds} s. Generate works already: jobs wait in line.",
        "{step}，{seconds} 秒。现在就可以点击“生成视频”，任务会自动排队。",
    ),
    "step_waiting": ("Starting", "正在启动"),
    "step_importing": ("Loading the program", "正在加载程序"),
    "step_rehearsal": ("Rehearsing one short job", "正在试运行一个短任务"),
    "step_absent": ("{title}: next", "{title}：等待"),
    "step_verifying": ("{title}: checking the files", "{title}：校验文件"),
    "step_loading": ("{title}: loading", "{title}：加载中"),
    "step_warming": ("{title}: warming up", "{title}：预热中"),
    "step_ready": ("{title}: ready", "{title}：就绪"),
    "step_failed": ("{title}: failed", "{title}：失败"),
    "ready": ("Ready", "已就绪"),
    "ready_detail": (
        "All {total} models are loaded and warm ({seconds} s).",
        "全部 {total} 个模型已加载并预热（{seconds} 秒）。",
    ),
    "ready_prepare": ("Preparing a template ahead; jobs go first.", "正在提前准备模板，任务优先。"),
    "ready_check": ("Checking a finished video.", "正在检查已完成的视频。"),
    "ready_lazy_detail": ("Models load on first use.", "模型将在首次使用时加载。"),
    "busy": ("Making a video", "正在生成视频"),
    "busy_detail": ("New jobs wait in line and are made one after the other.", "新任务会排队，依次生成。"),
    "draining": ("Shutting down", "正在关闭"),
    "stopped": ("Stopped", "已停止"),
    "stopping_detail": (
        "Unfinished jobs stay in line for the next start.",
        "未完成的任务会保留，下次启动后继续。",
    ),
    "failed": ("HeyGem cannot work", "系统无法工作"),
    "failed_detail": (
        "{problem} Then start HeyGem again; waiting jobs are kept.",
        "{problem}（处理后请重新启动，排队的任务会保留。）",
    ),
    "notice_ready": ("System ready", "系统已就绪"),
    # beside the banner
    "device": ("Device", "设备"),
    "vram": ("VRAM free", "可用显存"),
    "ram": ("RAM free", "可用内存"),
    "of_total": ("{free} of {total}", "{free} / {total}"),
    "unknown": ("unknown", "未知"),
    "unsupported": ("not reported", "不支持读取"),
    "queue": ("Queue", "队列"),
    "warning_cpu_fallback": (
        "Working on the CPU: no usable GPU was found.",
        "未找到可用 GPU，正在使用 CPU。",
    ),
    "warning_gpu_hot": ("The GPU is hot: check its cooling.", "GPU 温度过高，请检查散热。"),
    "warning_memory_low": (
        "Memory is almost used up: close other programs.",
        "内存即将用尽，请关闭其他程序。",
    ),
    "warning_disk_low": ("The disk is almost full: free some space.", "磁盘空间不足，请清理。"),
    "warning_queue_paused": (
        "The queue waits until there is disk space.",
        "磁盘已满，队列已暂停，清理后自动继续。",
    ),
    # clear cache
    "clear_preview": ("{total} can be freed", "可释放 {total}"),
    "clear_preview_kinds": (
        "Prepared templates {templates}, old uploads {uploads}, remains of interrupted jobs {partial}."
        " Models, results and what a job uses stay.",
        "模板缓存 {templates}，旧上传文件 {uploads}，中断任务残留 {partial}。"
        "模型、结果和任务正在使用的内容会保留。",
    ),
    "clear_done": ("Freed {disk} on disk", "已释放磁盘 {disk}"),
    "clear_done_detail": ("Measured: memory {ram}{vram}.", "实测：内存 {ram}{vram}。"),
    "clear_done_vram": (", VRAM {vram}", "，显存 {vram}"),
    "clear_engine_busy": (" The engine was busy; its own memory was left alone.", "引擎正忙，其内存未清理。"),
    # one job
    "job_none": ("Your video appears here", "视频将显示在这里"),
    "job_none_detail": (
        "Choose a voice and a presenter, then press Generate.",
        "选择语音和人物，然后点击“生成视频”。",
    ),
    "job_pending": ("In line, number {place}", "排队中，第 {place} 位"),
    "job_pending_detail": ("It starts when its turn comes.", "轮到后自动开始。"),
    "job_pending_initializing": ("It starts as soon as the models are ready.", "模型就绪后自动开始。"),
    "job_canceling": ("Canceling", "正在取消"),
    "job_succeeded": ("Done", "完成"),
    "job_succeeded_detail": ("Made in {duration}.", "用时 {duration}。"),
    "job_expired": ("The file has been removed after its time.", "文件已过保留期，已删除。"),
    "job_failed": ("This did not work", "生成失败"),
    "job_canceled": ("Canceled", "已取消"),
    "job_canceled_detail": ("Nothing was kept of it.", "未保留任何内容。"),
    "job_expired_short": ("file removed", "文件已删除"),
    "job_again": ("Continued after a restart (attempt {attempt}).", "重启后继续（第 {attempt} 次）。"),
    "stage_": ("Starting", "正在开始"),
    "stage_audio": ("Listening to the speech", "分析语音"),
    "stage_template": ("Studying the presenter", "分析人物"),
    "stage_motion": ("Planning the lips", "生成口型"),
    "stage_render": ("Painting frames", "逐帧渲染"),
    "stage_finish": ("Checking the video", "检查视频"),
    "progress_count": ("{done} of {total}", "{done} / {total}"),
    "progress_frames": ("frame {done} of {total}", "第 {done} / {total} 帧"),
    "progress_speed": ("{speed} frames/s", "{speed} 帧/秒"),
    "progress_eta": ("about {duration} left", "约剩 {duration}"),
    "tile_template": ("Template", "模板"),
    "tile_result": ("Result", "结果"),
    "download": ("Download", "下载"),
    "seconds": ("{seconds} s", "{seconds} 秒"),
    "minutes": ("{minutes} min {seconds} s", "{minutes} 分 {seconds} 秒"),
    # history
    "history_empty": ("Nothing has been made yet.", "还没有任何记录。"),
    "history_pick": ("Pick a video to play it here", "选择一个视频在此播放"),
    "history_play": ("Play", "播放"),
    "history_delete": ("Delete", "删除"),
    "history_confirm": ("Delete this job and its video?", "删除该任务及其视频？"),
    "state_pending": ("In line", "排队"),
    "state_running": ("Running", "进行中"),
    "state_succeeded": ("Done", "完成"),
    "state_failed": ("Failed", "失败"),
    "state_canceled": ("Canceled", "已取消"),
    # system
    "versions": ("Versions", "版本"),
    "folders": ("Results", "结果目录"),
    "log": ("Log", "日志"),
    # what is missing before a job can be ordered
    "need_audio": (
        "Upload a recording, speak, or pick one of the voices first.",
        "请先上传录音、现场录制，或选择一个示例语音。",
    ),
    "need_template": (
        "Pick a presenter or upload a video or photo first.",
        "请先选择一个人物，或上传视频或照片。",
    ),
    "failed_elsewhere": (
        "The page could not do this; see the log in the System tab.",
        "操作未完成，请查看“系统状态”中的日志。",
    ),
}

TEXTS: Mapping[str, tuple[str, str]] = {
    **_PAGE_TEXTS,
    **BATCH_TEXTS,
    **LIBRARY_TEXTS,
    **HISTORY_TEXTS,
    **SYSTEM_TEXTS,
}

# English errors carry their own sentence, with names and figures; this is what a code means in Chinese.
ERRORS_ZH: Mapping[str, str] = {
    "internal": "程序内部出错，请查看“系统状态”中的日志后重试。",
    "settings": "有一个选项的值不可用，请检查后重试。",
    "media": "无法读取或写入该媒体文件，请换一个文件重试。",
    "media_unreadable": "该文件为空、不完整，或不是音视频文件，请重新导出后上传。",
    "media_no_audio": "该文件中没有声音，请上传含有语音的文件。",
    "media_no_video": "该文件中没有画面，请上传视频或照片。",
    "media_unsuitable": "该文件过长、过大或过小，请调整后重新上传。",
    "face": "模板中的人脸无法使用，请换一段正面、清晰的画面。",
    "face_none": "模板中没有找到人脸，请换一段能看清正脸的视频或照片。",
    "face_too_small": "模板中的人脸太小，请换一段更近的画面。",
    "model": "模型无法使用，请运行 python -m heygem doctor 查看原因。",
    "weights_missing": "缺少模型文件，请重新下载完整的项目。",
    "weights_corrupt": "模型文件已损坏，请重新下载该文件。",
    "model_busy": "该模型正在使用，或引擎正忙，请在任务结束后重试。",
    "licence": "需要先接受该模型的许可协议。",
    "pull": "无法下载该模型，请检查网络，或设置镜像 HF_ENDPOINT 后重试。",
    "golden_mismatch": "模型的预热结果与基准不一致，为避免错误结果已停用；请换一种精度或设备。",
    "device": "计算设备出错，请稍后重试。",
    "device_unavailable": "找不到所要求的设备，请检查 GPU 驱动，或使用 --device auto。",
    "device_memory": "显存或内存不足，请关闭其他程序后重试。",
    "device_lost": "GPU 已失去响应，程序正在自动重启，任务会继续。",
    "job": "该任务无法完成，请查看日志后重新提交。",
    "job_not_found": "该任务不存在，可能已被删除。",
    "job_canceled": "该任务已取消。",
    "queue_full": "排队的任务太多，请等部分任务完成后再提交。",
    "library": "无法对该模板执行此操作。",
    "template_not_found": "该模板不存在，可能已被删除。",
    "storage": "无法保存数据，请检查数据目录是否可写。",
    "disk_full": "磁盘空间不足，请清理后重试。",
    "folder_busy": "另一个 HeyGem 正在使用同一数据目录。",
}


def text(language: Language, key: str, **values: object) -> str:
    """The text of `key`, its placeholders filled."""
    return TEXTS[key][language == "zh"].format_map(values)


def error_sentence(language: Language, code: str, message: str, file: str = "") -> str:
    """What to tell the reader: the error's own sentence in English, the meaning of its code in Chinese.

    Args:
        file: which file is meant, where one is; the English sentence names it already.
    """
    if language == "en":
        return message
    sentence = ERRORS_ZH.get(code, ERRORS_ZH["internal"])
    return f"“{file}”：{sentence}" if file else sentence


def language_of(accept_language: str) -> Language:
    """The better liked of our languages in an Accept-Language header ("zh-CN,zh;q=0.9,en;q=0.8")."""
    liked: dict[Language, float] = {"en": 0.0, "zh": 0.0}
    for entry in accept_language.lower().split(","):
        tag, _, parameters = entry.strip().partition(";")
        for language in liked:
            if tag.split("-")[0] == language:
                liked[language] = max(liked[language], _weight(parameters))
    return "zh" if liked["zh"] > liked["en"] else "en"


def _weight(parameters: str) -> float:
    """ "q=0.8" -> 0.8."""
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 0.0
