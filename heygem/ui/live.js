// A part of the page that the server draws. What changed is put in place node by node, so that the keyboard's
// place, a playing video and half-written words stay where they are. Buttons say what they do in `data-action`.

const morph = (from, to) => {
    const olds = [...from.childNodes], news = [...to.childNodes];
    news.forEach((fresh, index) => {
        const old = olds[index];
        if (!old) { from.append(fresh); return; }
        if (old.nodeName !== fresh.nodeName || old.dataset?.key !== fresh.dataset?.key) {
            old.replaceWith(fresh);
        } else if (old.nodeType === Node.TEXT_NODE) {
            if (old.data !== fresh.data) old.data = fresh.data;
        } else if (!old.isEqualNode(fresh)) {
            for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
            for (const { name, value } of fresh.attributes) {
                if (old.getAttribute(name) !== value) old.setAttribute(name, value);
            }
            morph(old, fresh);
        }
    });
    olds.slice(news.length).forEach(node => node.remove());
};

const root = element.querySelector('.hg-live');
const picked = new Set();  // ids of the ticked rows; they outlive the pages of a list

const showPicked = () => {
    root.querySelectorAll('[data-pick]').forEach(box => { box.checked = picked.has(box.dataset.pick); });
    root.querySelectorAll('[data-for-picked]').forEach(button => {
        button.disabled = !picked.size;
        button.toggleAttribute('aria-disabled', !picked.size);
        const address = button.dataset.address;
        if (address) {
            if (picked.size) button.href = address + [...picked].join(',');
            else button.removeAttribute('href');
        }
    });
    root.querySelectorAll('[data-picked-count]').forEach(label => { label.textContent = picked.size || ''; });
    const all = root.querySelector('[data-pick-all]');
    if (all) {
        const boxes = [...root.querySelectorAll('[data-pick]')];
        all.checked = boxes.length > 0 && boxes.every(box => box.checked);
    }
};

const draw = html => {
    const fresh = document.createElement('div');
    fresh.innerHTML = html;
    morph(root, fresh);
    showPicked();
};

const act = (data) => {
    if (data.confirm && !window.confirm(data.confirm)) return;
    const ids = 'forPicked' in data ? [...picked] : undefined;
    if (ids) { picked.clear(); showPicked(); }
    // What fills another tab has outputs of its own.
    trigger(data.action === 'again' ? 'again' : 'click', { ...data, ids });
    if (data.show) document.getElementById(data.show)?.scrollIntoView({ behavior: 'smooth', block: 'nearest' });
};

root.addEventListener('click', event => {
    const target = event.target.closest('[data-action]');
    if (!target || target.matches('input, form')) return;
    const data = { ...target.dataset };
    if ('point' in data && event.detail > 0) {  // a real click, not the keyboard: where it was, in 0..1
        const box = target.closest('[data-frame]').getBoundingClientRect();
        data.x = (event.clientX - box.left) / box.width;
        data.y = (event.clientY - box.top) / box.height;
    }
    act(data);
});
root.addEventListener('submit', event => {
    event.preventDefault();
    act({ ...event.target.dataset, words: new FormData(event.target).get('words') });
});
root.addEventListener('change', event => {
    const { pick } = event.target.dataset;
    if (pick) picked[event.target.checked ? 'add' : 'delete'](pick);
    if ('pickAll' in event.target.dataset) {
        root.querySelectorAll('[data-pick]').forEach(box => {
            picked[event.target.checked ? 'add' : 'delete'](box.dataset.pick);
        });
    }
    showPicked();
});

// A card's clip plays while the pointer or the keyboard rests on it.
const clip = event => event.target.closest?.('[data-clip]')?.querySelector('video');
for (const [name, plays] of [['pointerover', true], ['focusin', true], ['pointerout', false], ['focusout', false]]) {
    root.addEventListener(name, event => {
        const video = clip(event);
        if (!video || event.target.closest('[data-clip]').contains(event.relatedTarget)) return;
        if (plays) video.play().catch(() => {});
        else { video.pause(); video.currentTime = 0; }
    });
}

(window.hgParts ??= {})['$NAME'] = draw;
draw(window.hgViews?.['$NAME'] ?? '');
