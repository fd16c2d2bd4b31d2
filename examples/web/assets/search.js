// Finds articles by word: search.tsv has a word and the articles that use it on each line.
async function search(word) {
    const text = await (await fetch("/search.tsv")).text();
    for (const line of text.split("\n")) {
        const [key, ...articles] = line.split("\t");
        if (key === word.toLowerCase())
            return articles;
    }
    return [];
}
