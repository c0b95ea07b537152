// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
package com.example.digits;

/** The digits model, through digits_jni.c. An object is for one thread at a time. */
public final class Digits implements AutoCloseable {
  public static final int PIXELS = 8 * 8;
  public static final int CLASSES = 10;

  static {
    System.loadLibrary("digits_jni");
  }

  private long handle = create();

  public Digits() {
    if (handle == 0) throw new OutOfMemoryError("digits");
  }

  /** Probabilities of the ten digits, for an image of 64 numbers from 0 to 1. */
  public float[] predict(float[] image) {
    if (handle == 0) throw new IllegalStateException("closed");
    if (image.length != PIXELS) {
      throw new IllegalArgumentException(PIXELS + " pixels expected, got " + image.length);
    }
    float[] probabilities = new float[CLASSES];
    int status = predict(handle, image, probabilities);
    if (status != 0) throw new IllegalStateException("digits: status " + status);
    return probabilities;
  }

  @Override
  public void close() {
    destroy(handle);
    handle = 0;
  }

  private static native long create();

  private static native int predict(long handle, float[] image, float[] probabilities);

  private static native void destroy(long handle);
}
