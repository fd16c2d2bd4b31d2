# A header picture as PGM: part of the Mandelbrot set; the deeper the zoom, the longer it takes.
BEGIN {
    height = int(size / 2)
    print "P2", size, height, 255
    scale = 3
    for (n = 1; n < zoom; n++)
        scale /= 4
    for (y = 0; y < height; y++) {
        row = ""
        for (x = 0; x < size; x++) {
            cr = -0.7463 + (x / size - 0.5) * scale; ci = 0.1102 + (y / height - 0.5) * scale / 2
            zr = zi = 0
            for (n = 0; n < 100 && zr * zr + zi * zi < 4; n++) {
                t = zr * zr - zi * zi + cr; zi = 2 * zr * zi + ci; zr = t
            }
            row = row (n == 100 ? 0 : 255 - n * 2) " "
        }
        print row
    }
}
