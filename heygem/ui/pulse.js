// Asks every second or two whether the studio has changed, and puts what has into the parts of the page. Most answers
// are "nothing", and cost the server next to nothing. A tab that nobody sees does not ask.

const views = window.hgViews ??= {}, parts = window.hgParts ??= {}, marks = {};
let word = '', was = '', latest = 0, quiet = 0, timer;

const put = drawn => {
    word = drawn.word;
    was = drawn.state;
    for (const [name, [mark, html]] of Object.entries(drawn.views)) {
        marks[name] = mark;
        views[name] = html;
        parts[name]?.(html);
    }
};

// Gradio's places to drop files are named in English, and not as they read: their own words are the better name.
const unname = () => document.querySelectorAll('button[aria-label]:has([data-testid="upload-text"])')
    .forEach(place => place.removeAttribute('aria-label'));

const ask = async () => {
    const own = ++latest;  // an answer that was overtaken by another question does not count
    clearTimeout(timer);
    if (!document.hidden) {
        try {
            const seen = Object.entries(marks).map(([name, mark]) => `${name}:${mark}`).join(',');
            const query = new URLSearchParams({ page: props.value ?? '', word, was, seen });
            const answer = await fetch(new URL(`draw?${query}`, document.baseURI), { cache: 'no-store' });
            if (!answer.ok) throw new Error(answer.status);
            const drawn = answer.status === 204 ? null : await answer.json();
            document.body.classList.remove('hg-offline');
            quiet = drawn ? 0 : quiet + 1;
            if (drawn && own === latest) put(drawn);
        } catch { document.body.classList.add('hg-offline'); }
    }
    unname();
    if (own === latest) timer = setTimeout(ask, quiet > 5 ? 2000 : 1000);  // where nothing happens, half as often
};

window.hgDraw = () => { word = ''; quiet = 0; ask(); };
watch('value', window.hgDraw);
document.addEventListener('visibilitychange', ask);
ask();
