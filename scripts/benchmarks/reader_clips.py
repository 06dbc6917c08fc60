"""Recipes of clips: every container, codec, pixel format, siting, aspect, rotation, order, timing and sound."""

from itertools import product

_X264 = ("-c:v", "libx264", "-preset", "ultrafast")


def clips() -> dict[str, list[str]]:
    """By file name, an ffmpeg command in which "{}" stands for the file."""
    made: dict[str, list[str]] = {}

    def add(
        name: str, *options: str, size: str = "96x64", rate: str = "25", seconds: str = "1", sound: bool = False
    ) -> None:
        command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=d={seconds}:s={size}:r={rate}"]
        if sound:
            command += ["-f", "lavfi", "-i", f"sine=d={seconds}:sample_rate=48000"]
        made[name] = [*command, *options, "{}"]

    for suffix, codec in product(
        ("mp4", "mov", "mkv", "avi", "ts", "nut", "flv", "mpg", "webm", "ogv", "wmv", "mxf", "3gp", "m2ts", "vob"),
        (
            *("libx264", "libx265", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "libvpx", "libvpx-vp9", "libtheora"),
            *("ffv1", "huffyuv", "prores_ks", "dnxhd", "wmv2", "flv1", "h263", "qtrle", "png", "rawvideo", "utvideo"),
            *("msmpeg4v2", "svq1", "cinepak", "libaom-av1", "libsvtav1", "dvvideo", "snow", "vc2", "gif", "asv1"),
        ),
    ):
        size = {"h263": "176x144", "dvvideo": "720x576", "dnxhd": "1280x720"}.get(codec, "96x64")
        extra = {
            "libaom-av1": ("-cpu-used", "8"),
            "dnxhd": ("-b:v", "60M", "-pix_fmt", "yuv422p"),
            "snow": ("-strict", "-2"),
        }.get(codec, ())
        seconds = "0.2" if size not in ("96x64", "176x144") or codec.startswith("lib") else "0.5"
        add(f"codec_{codec}.{suffix}", "-c:v", codec, *extra, size=size, seconds=seconds)
    for pixels in (
        *("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuvj444p", "nv12", "yuv420p10le", "yuv422p10le", "yuv444p10le"),
        *("gray", "gray10le", "nv16"),
    ):
        add(f"h264_{pixels}.mp4", *_X264, "-pix_fmt", pixels)
    for pixels in (
        *("yuv410p", "yuv411p", "yuv440p", "yuv420p16le", "yuv422p12le", "gray16le", "bgr0", "bgra", "gbrp10le"),
        *("yuva420p", "yuva444p", "gbrp", "gbrp12le", "rgb48le", "yuv444p9le"),
    ):
        add(f"ffv1_{pixels}.mkv", "-c:v", "ffv1", "-pix_fmt", pixels)
    for pixels in ("rgb24", "bgr24", "yuyv422", "uyvy422", "rgb555le", "rgb565le", "pal8", "monow", "argb"):
        add(f"raw_{pixels}.nut", "-c:v", "rawvideo", "-pix_fmt", pixels)
    for pixels in ("yuv420p", "yuv422p", "yuv444p", "gray", "yuv411p", "yuv420p10le"):
        add(f"y4m_{pixels}.y4m", "-pix_fmt", pixels, "-strict", "-1")
    for site in ("left", "center", "topleft", "top", "bottomleft", "bottom"):
        number = ("left", "center", "topleft", "top", "bottomleft", "bottom").index(site)
        add(f"site_{site}.mp4", *_X264, "-bsf:v", f"h264_metadata=chroma_sample_loc_type={number}")
        add(f"site_{site}.mkv", "-c:v", "libx265", "-x265-params", f"chromaloc={number}:log-level=error")
    for space, full in product(("bt709", "smpte170m", "bt470bg", "fcc", "smpte240m", "bt2020nc"), ("tv", "pc")):
        scaled = f"scale=out_range={full}"
        add(f"matrix_{space}_{full}.mp4", "-vf", scaled, *_X264, "-colorspace", space, "-color_range", full)
    for size in ("1280x720", "720x576", "720x480", "1025x100", "33x47", "2x2", "64x1", "17x16"):
        codec = ("-c:v", "ffv1", "-pix_fmt", "yuv420p") if "1" in size or "3" in size else _X264
        add(f"size_{size}.mkv", *codec, size=size, seconds="0.2")
    for aspect, suffix in product(("16:9", "4:3", "1:1", "2.35"), ("mp4", "mkv", "mov", "avi", "ts", "mpg", "webm")):
        add(f"aspect_{aspect.replace(':', '_')}.{suffix}", "-aspect", aspect, size="90x72", seconds="0.4")
    for turn, suffix in product((0, 90, 180, 270), ("mp4", "mov", "mkv")):
        rotated = ("-c", "copy", "-metadata:s:v", f"rotate={turn}")
        made[f"rotate_{turn}.{suffix}"] = _again("codec_libx264.mp4", *rotated)
    for suffix, order in product(
        ("mp4", "mkv", "mov", "ts", "m2ts", "avi", "mpg", "nut", "flv"), (("0:v", "1:a"), ("1:a", "0:v"))
    ):
        sound = {"mpg": "mp2", "avi": "libmp3lame"}.get(suffix, "aac")
        maps = ("-map", order[0], "-map", order[1])
        name = f"order_{order[0][2]}_{order[1][2]}.{suffix}"
        add(name, *maps, *_X264, "-bf", "3", "-c:a", sound, sound=True, seconds="2")
    for bframes, group, closed, suffix in product((0, 2), (1, 12, 250), ("0", "1"), ("mp4", "ts", "mkv")):
        options = (*_X264, "-bf", str(bframes), "-x264-params", f"keyint={group}:open-gop={closed}:scenecut=0")
        add(f"gop_{bframes}_{group}_{closed}.{suffix}", *options, seconds="2")
    for codec, suffix in product(("mpeg2video", "mpeg4"), ("ts", "mpg", "avi", "mkv", "mp4")):
        add(f"bframes_{codec}.{suffix}", "-c:v", codec, "-bf", "2", "-g", "12", seconds="1")
    for fields, suffix in product(("tff", "bff"), ("mp4", "ts", "mkv")):
        add(f"interlaced_{fields}.{suffix}", "-vf", f"setfield={fields}", "-flags", "+ildct+ilme", *_X264)
    for rate, suffix in product(("24000/1001", "12", "60", "1", "1000/33", "120"), ("mp4", "mkv", "avi", "ts", "mov")):
        add(f"rate_{rate.replace('/', '_')}.{suffix}", *_X264, rate=rate, seconds="3" if rate == "1" else "0.5")
    vfr = ("-vf", "select='not(mod(n,3))+lt(n,6)',setpts=PTS+0.2/TB*gt(N\\,5)", "-vsync", "vfr")
    for suffix in ("mp4", "mkv", "mov", "ts", "nut", "flv", "webm"):
        add(f"vfr.{suffix}", *vfr, seconds="2")
        add(f"offset.{suffix}", "-output_ts_offset", "5000", seconds="0.5")
        add(f"late_video.{suffix}", "-filter:v", "setpts=PTS+0.7/TB", "-vsync", "passthrough", sound=True)
        made[f"late_sound.{suffix}"] = _late_sound(suffix)
        add(
            f"long_last.{suffix}",
            "-vf",
            "setpts='if(eq(N,9),PTS,PTS)',select='lt(n,9)+eq(n,40)'",
            "-vsync",
            "vfr",
            seconds="3",
        )
    for sound, suffix in product(
        (
            *(
                "aac",
                "libmp3lame",
                "mp2",
                "ac3",
                "eac3",
                "libopus",
                "libvorbis",
                "flac",
                "alac",
                "pcm_s16le",
                "pcm_s24le",
            ),
            *("pcm_mulaw", "adpcm_ima_wav", "adpcm_ms", "wmav2", "dca", "truehd", "wavpack", "pcm_f32le", "pcm_s16be"),
        ),
        ("mp4", "mkv", "mov", "ts", "avi", "wmv"),
    ):
        add(f"sound_{sound}.{suffix}", *_X264, "-c:a", sound, "-strict", "-2", sound=True, seconds="0.6")
    for suffix, codec in {
        "h264": "libx264",
        "hevc": "libx265",
        "mjpeg": "mjpeg",
        "m2v": "mpeg2video",
        "m1v": "mpeg1video",
        "ivf": "libvpx",
        "gif": "gif",
        "apng": "apng",
        "obu": "libaom-av1",
        "dv": "dvvideo",
    }.items():
        size = "720x576" if suffix == "dv" else "96x64"
        add(f"bare.{suffix}", "-c:v", codec, size=size, seconds="0.4")
        if suffix in ("h264", "mjpeg", "gif", "apng", "ivf"):
            add(f"bare_30.{suffix}", "-c:v", codec, rate="30", seconds="0.5")
    add("audio_only_first_second.mp4", *_X264, "-c:a", "aac", "-af", "atrim=0:0.4", sound=True)
    add("fragmented.mp4", *_X264, "-movflags", "frag_keyframe+empty_moov", "-g", "5", sound=True)
    add("faststart.mp4", *_X264, "-movflags", "faststart", sound=True)
    add("two_sounds.mkv", *_X264, "-map", "0:v", "-map", "1:a", "-map", "1:a", "-c:a:1", "libopus", sound=True)
    add("alpha.webm", "-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", seconds="0.2")
    add("alpha.mov", "-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le", seconds="0.2")
    made["cut.mp4"] = _again("gop_2_12_0.mp4", "-c", "copy", before=("-ss", "0.7"))
    made["cut.mkv"] = _again("gop_2_12_1.mkv", "-c", "copy", before=("-ss", "0.7"))
    made["cut.ts"] = _again("gop_2_12_1.ts", "-c", "copy", before=("-ss", "0.7"))
    return made


def _again(source: str, *options: str, before: tuple[str, ...] = ()) -> list[str]:
    """Made of a clip that was made before; commands run in its folder."""
    return ["ffmpeg", "-v", "error", "-y", *before, "-i", source, *options, "{}"]


def _late_sound(suffix: str) -> list[str]:
    sound = "libopus" if suffix == "webm" else "aac"
    pictures = ("-f", "lavfi", "-i", "testsrc2=d=1:s=96x64:r=25")
    late = ("-itsoffset", "0.5", "-f", "lavfi", "-i", "sine=d=1:sample_rate=48000")
    return ["ffmpeg", "-v", "error", "-y", *pictures, *late, "-c:a", sound, "{}"]
