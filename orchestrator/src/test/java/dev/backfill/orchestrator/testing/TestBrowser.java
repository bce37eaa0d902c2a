package dev.backfill.orchestrator.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.openqa.selenium.By;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** A real browser without a window: Chromium and its driver, from Debian's packages. Closing it ends both. */
public final class TestBrowser implements AutoCloseable {

    private static final Path BROWSER = Path.of("/usr/bin/chromium");
    private static final Path DRIVER = Path.of("/usr/bin/chromedriver");
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final ChromeDriver driver;

    /**
     * Starts it.
     *
     * @param profile an empty directory for what it keeps
     */
    public TestBrowser(Path profile) {
        ChromeOptions options = new ChromeOptions();
        options.setBinary(BROWSER.toFile());
        options.addArguments(
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--user-data-dir=" + profile.toAbsolutePath());
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, java.util.logging.Level.ALL);
        options.setCapability("goog:loggingPrefs", logs);
        driver = new ChromeDriver(
                new ChromeDriverService.Builder()
                        .usingDriverExecutable(new File(DRIVER.toString()))
                        .usingAnyFreePort()
                        .build(),
                options);
    }

    /** Whether there is one on this machine. */
    public static boolean isPossible() {
        return Files.isExecutable(BROWSER) && Files.isExecutable(DRIVER);
    }

    /** Goes to an address. */
    public void open(String address) {
        driver.get(address);
    }

    /** Makes the page so wide and high, in CSS pixels, in light or dark. */
    public void show(int width, int height, String scheme) {
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    }

    /** How wide the content is, in CSS pixels. */
    public long contentWidth() {
        return Long.parseLong(String.valueOf(driver.executeScript("return document.documentElement.scrollWidth")));
    }

    /** What is shown of the first element that a CSS selector finds; empty when there is none. */
    public String text(String selector) {
        try {
            return driver.findElements(By.cssSelector(selector)).stream()
                    .findFirst()
                    .map(WebElement::getText)
                    .orElse("");
        } catch (StaleElementReferenceException e) {
            return ""; // it was replaced just now
        }
    }

    /** An attribute of the first element that a CSS selector finds. */
    public String attribute(String selector, String name) {
        return String.valueOf(driver.findElement(By.cssSelector(selector)).getAttribute(name));
    }

    /** Waits until the text there is as it should be. */
    public void awaitText(String selector, Predicate<String> wanted) {
        await().dontCatchUncaughtExceptions()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(50))
                .untilAsserted(() -> assertThat(text(selector)).as(selector).matches(wanted));
    }

    /** Clicks the button of a list of buttons that says this. */
    public void click(String selector, String label) {
        driver.findElements(By.cssSelector(selector)).stream()
                .filter(button -> button.getText().equalsIgnoreCase(label))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no button " + label + " in " + text("body")))
                .click();
    }

    /** Follows the link that says this. */
    public void follow(String label) {
        driver.findElement(By.linkText(label)).click();
    }

    /** How many elements a CSS selector finds. */
    public int count(String selector) {
        return driver.findElements(By.cssSelector(selector)).size();
    }

    /** Writes what is shown as a picture, into the directory that the system property {@code pictures} names, if it does. */
    public void picture(String name) throws IOException {
        String directory = System.getProperty("pictures", "");
        if (!directory.isEmpty()) {
            Files.write(Path.of(directory, name + ".png"), driver.getScreenshotAs(OutputType.BYTES));
        }
    }

    /** Presses keys where the focus is. */
    public void type(CharSequence... keys) {
        driver.switchTo().activeElement().sendKeys(keys);
    }

    /** What went wrong in the page since this was asked last, by the browser's own log. */
    public List<String> complaints() {
        return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
                .map(LogEntry::getMessage)
                .toList();
    }

    @Override
    public void close() {
        driver.quit();
    }
}
