package tensorflow

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	_ "image/jpeg" // for image.DecodeConfig
	_ "image/png"
	"math"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// imageHeader is what an image says of itself.
type imageHeader struct {
	jpeg          bool
	cmyk          bool // four inks, of a JPEG
	width, height int64
	orientation   int // EXIF's, from 1, which is upright, to 8
}

// readImageHeader reads the header of a JPEG or PNG without decoding it.
func readImageHeader(encoded []byte) (imageHeader, error) {
	if err := checkPNGSize(encoded); err != nil {
		return imageHeader{}, err
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(encoded))
	if err != nil || format != "jpeg" && format != "png" {
		return imageHeader{}, infer.Errorf(infer.ErrInvalidArgument, "not an image in JPEG or PNG that can be read")
	}
	if config.Width <= 0 || config.Height <= 0 {
		return imageHeader{}, infer.Errorf(infer.ErrInvalidArgument, "the image has no pixels: %d x %d", config.Width, config.Height)
	}
	h := imageHeader{jpeg: format == "jpeg", cmyk: config.ColorModel == color.CMYKModel, width: int64(config.Width), height: int64(config.Height)}
	if h.jpeg {
		h.orientation = jpegOrientation(encoded)
	} else {
		h.orientation = pngOrientation(encoded)
	}
	return h, checkPixels(h.width, h.height)
}

// checkPixels bounds the pixels of an image, of which neither side is over 2³¹.
func checkPixels(width, height int64) error {
	if width*height > maxPixels {
		return infer.Errorf(infer.ErrTooLarge, "the image has %d x %d pixels, at most %d megapixels are decoded", width, height, maxPixels>>20)
	}
	return nil
}

// pngSignature is how a PNG begins. The chunk IHDR follows.
const pngSignature = "\x89PNG\r\n\x1a\n"

// checkPNGSize bounds the pixels of a PNG, if it is one. Go's reader takes a header whose
// pixels would not fit into its memory for no image at all.
func checkPNGSize(encoded []byte) error {
	header, ok := bytes.CutPrefix(encoded, []byte(pngSignature+"\x00\x00\x00\x0dIHDR"))
	if !ok || len(header) < 8 {
		return nil
	}
	width, height := binary.BigEndian.Uint32(header), binary.BigEndian.Uint32(header[4:])
	if width > math.MaxInt32 || height > math.MaxInt32 {
		return nil // which no PNG has
	}
	return checkPixels(int64(width), int64(height))
}

// turned is the height and width when the image is upright.
func (h imageHeader) turned() (height, width int64) {
	if h.orientation >= 5 {
		return h.width, h.height
	}
	return h.height, h.width
}
